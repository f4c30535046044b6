import Tensors

/// Kernels on random data of the sizes that models have.
struct KernelBench {
  enum Storage { case float32, bfloat16, nf4 }

  let workspace = Workspace()

  private func random(_ shape: [Int], _ type: DataType, _ stream: UInt32) -> Tensor {
    let values = Tensor.zeros(shape)
    Random.fillUniform(values, -1..<1, key: RandomKey(seed: 1, purpose: 99, a: stream))
    guard type != .float32 else { return values }
    let narrow = Tensor.zeros(shape, type)
    Kernels.convert(values, into: narrow)
    return narrow
  }

  private func weight(_ N: Int, _ K: Int, _ storage: Storage) -> BaseWeight {
    switch storage {
    case .float32: .float32(random([N, K], .float32, 1))
    case .bfloat16: .bfloat16(random([N, K], .bfloat16, 1))
    case .nf4:
      .nf4(
        Kernels.nf4Quantize(
          random([N, K], .bfloat16, 1), outputs: N, inputs: K, doubleQuantization: true))
    }
  }

  /// GFLOP/s of both directions.
  func linear(T: Int, K: Int, N: Int, _ storage: Storage) -> (forward: Double, backward: Double) {
    let type: DataType = storage == .float32 ? .float32 : .bfloat16
    let weight = weight(N, K, storage)
    let (x, dX) = (random([T, K], type, 2), Tensor.zeros([T, K], type))
    let out = random([T, N], type, 3)
    let flops = 2 * Double(T) * Double(K) * Double(N) * 1e-9
    let forward = Times {
      Kernels.linearForward(x: x, weight: weight, out: out, workspace: workspace)
    }
    let backward = Times {
      Kernels.linearBackward(
        [LinearGradientTerm(dOut: out, weight: weight)], into: dX, workspace: workspace)
    }
    return (flops / forward.best, flops / backward.best)
  }

  /// GB/s of stored weight, read `count` matrices in turn so that no cache holds them.
  func matvec(K: Int, N: Int, count: Int, _ storage: Storage) -> Double {
    let weights = (0..<count).map { _ in weight(N, K, storage) }
    let (x, out) = (random([1, K], .bfloat16, 2), Tensor.zeros([1, N]))
    let times = Times(budget: 1) {
      for weight in weights {
        Kernels.linearForward(x: x, weight: weight, out: out, workspace: workspace)
      }
    }
    let elements = Double(K * N * count)
    let bytes = storage == .nf4 ? elements * (0.5 + 1.0 / 64) : elements * 2
    return bytes / times.best * 1e-9
  }

  /// Seconds of both directions, for `segments` sequences of `length`.
  func attention(heads: Int, kvHeads: Int, width: Int, length: Int, segments: Int)
    -> (forward: Double, backward: Double)
  {
    let T = length * segments
    let (q, dOut) = (
      random([T, heads * width], .bfloat16, 1), random([T, heads * width], .bfloat16, 2)
    )
    let (k, v) = (
      random([T, kvHeads * width], .bfloat16, 3), random([T, kvHeads * width], .bfloat16, 4)
    )
    let (out, dQ) = (Tensor.zeros(q.shape, .bfloat16), Tensor.zeros(q.shape, .bfloat16))
    let (dK, dV) = (Tensor.zeros(k.shape, .bfloat16), Tensor.zeros(k.shape, .bfloat16))
    let logSumExp = Tensor.zeros([T, heads])
    let lengths = Segments(lengths: [Int](repeating: length, count: segments))
    let shape = AttentionShape(heads: heads, kvHeads: kvHeads, headDimension: width)
    let forward = Times {
      Kernels.attentionForward(
        q: q, k: k, v: v, segments: lengths, shape: shape, out: out, logSumExp: logSumExp,
        workspace: workspace)
    }
    let backward = Times {
      Kernels.attentionBackward(
        dOut: dOut, q: q, k: k, v: v, out: out, logSumExp: logSumExp, segments: lengths,
        shape: shape, dQ: dQ, dK: dK, dV: dV, workspace: workspace)
    }
    return (forward.best, backward.best)
  }

  func crossEntropy(T: Int, V: Int, D: Int) -> (seconds: Double, gflops: Double) {
    let hidden = random([T, D], .bfloat16, 1)
    let (head, dHidden) = (weight(V, D, .bfloat16), Tensor.zeros([T, D], .bfloat16))
    let labels = Tensor.from((0..<T).map { Int32($0 * 7 % V) }, .int32)
    let loss = Tensor.zeros([1], .float64)
    let times = Times(budget: 1) {
      Kernels.linearCrossEntropy(
        hidden: hidden, weight: head, labels: labels, gradientScale: 1, loss: loss,
        dHidden: dHidden, workspace: workspace)
    }
    return (times.best, 4 * Double(T) * Double(V) * Double(D) / times.best * 1e-9)
  }

  /// Seconds an element.
  func quantize(count: Int) -> Double {
    let values = random([count], .bfloat16, 1)
    let times = Times {
      _ = Kernels.nf4Quantize(values, outputs: 1, inputs: count, doubleQuantization: true)
    }
    return times.best / Double(count)
  }

  func elementwise(T: Int, D: Int, F: Int) -> [(String, Double)] {
    let (gate, up) = (random([T, F], .bfloat16, 1), random([T, F], .bfloat16, 2))
    let (out, dOut) = (Tensor.zeros([T, F], .bfloat16), random([T, F], .bfloat16, 3))
    let (x, y) = (random([T, D], .float32, 4), Tensor.zeros([T, D], .bfloat16))
    let (weight, inverse, dX) = (random([D], .float32, 5), Tensor.zeros([T]), Tensor.zeros([T, D]))
    return [
      (
        "SwiGLU forward, 2048 × 1536",
        Times { Kernels.gatedForward(.silu, gate: gate, up: up, out: out) }.best
      ),
      (
        "SwiGLU backward",
        Times {
          Kernels.gatedBackward(.silu, dOut: dOut, gate: gate, up: up, dGate: out, dUp: dOut)
        }.best
      ),
      (
        "RMSNorm forward, 2048 × 576",
        Times {
          Kernels.rmsNormForward(x: x, weight: weight, epsilon: 1e-5, out: y, inverseRMS: inverse)
        }.best
      ),
      (
        "RMSNorm backward",
        Times {
          Kernels.rmsNormBackward(
            dOut: y, x: x, weight: weight, inverseRMS: inverse, into: dX, accumulating: true)
        }.best
      ),
    ]
  }
}
