import Tensors
import TestSupport
import Testing

/// A value of 8 significant bits is at most this far from what was rounded, relatively.
private let halfUnit = 1.0 / 256

/// Numbers that bfloat16 holds exactly.
private func rounded(_ values: [Float]) -> [Float] {
  Tensor.floats(values).converted(to: .bfloat16).widened
}

private func bf16(_ values: [Float], _ shape: [Int]) -> Tensor {
  Tensor.floats(values, shape).converted(to: .bfloat16)
}

/// Size of a difference relative to the size of what was expected.
private func relativeError(_ actual: [Float], _ expected: [Double]) -> Double {
  let difference = zip(actual, expected).reduce(0.0) { sum, pair in
    let d = Double(pair.0) - pair.1
    return sum + d * d
  }
  let size = expected.reduce(0.0) { $0 + $1 * $1 }
  return size == 0 ? difference.squareRoot() : (difference / size).squareRoot()
}

extension KernelTests {
  /// bfloat16 kernels against the double-precision references on the same, exactly representable
  /// inputs. Outputs are rounded once, so half a unit in the last place is all that they may be off.
  @Suite struct BFloat16 {
    let workspace = Workspace(capacity: 1 << 32)

    struct Sizes: CustomStringConvertible {
      let T, N, K, R: Int
      var description: String { "T \(T), N \(N), K \(K), R \(R)" }
    }

    /// Around the panel of 32 columns, the tile of 8 rows, slabs and rounds; odd ranks.
    static let sizes = [
      Sizes(T: 1, N: 2, K: 2, R: 1), Sizes(T: 3, N: 40, K: 64, R: 3),
      // One token: rows of 9 blocks cross the nested blocks of 256 anywhere, 65 are an odd number.
      Sizes(T: 1, N: 70, K: 576, R: 8), Sizes(T: 1, N: 10, K: 4160, R: 4),
      Sizes(T: 5, N: 34, K: 30, R: 2),
      Sizes(T: 8, N: 32, K: 128, R: 8), Sizes(T: 33, N: 66, K: 258, R: 5),
      Sizes(T: 70, N: 192, K: 576, R: 16), Sizes(T: 1030, N: 96, K: 64, R: 9),
      Sizes(T: 9, N: 4100, K: 2050, R: 24), Sizes(T: 75, N: 70, K: 4610, R: 3),
      // With AMX a part of a contraction meets 256 rows, and the last block of 32 has only 8 new ones.
      Sizes(T: 296, N: 290, K: 1410, R: 8),
      // Backward packs four NF4 panels at a time, the last two alone.
      Sizes(T: 9, N: 1100, K: 2112, R: 8),
    ]

    enum Storage: CaseIterable { case bfloat16, nf4, nf4DoubleQuantized }

    private func weight(_ values: [Float], _ N: Int, _ K: Int, _ storage: Storage)
      -> (BaseWeight, [Float])
    {
      guard storage != .bfloat16 else { return (.bfloat16(bf16(values, [N, K])), rounded(values)) }
      let stored = Kernels.nf4Quantize(
        bf16(values, [N, K]), outputs: N, inputs: K,
        doubleQuantization: storage == .nf4DoubleQuantized)
      let expanded = Tensor.zeros([N, K])
      Kernels.nf4Dequantize(stored, into: expanded)
      return (.nf4(stored), expanded.floats)
    }

    @Test(arguments: sizes, Storage.allCases)
    func linearEqualsReference(sizes: Sizes, storage: Storage) {
      let (T, N, K, R) = (sizes.T, sizes.N, sizes.K, sizes.R)
      let width = Kernels.lowRankWidth(R, .bfloat16)
      var random = SplitMix64(seed: UInt64(T + N))
      let (x, dOut) = (rounded(random.floats(T * K)), rounded(random.floats(T * N)))
      let (weight, w) = weight(random.floats(N * K), N, K, storage)
      let residual = random.floats(T * N)
      let (a, b) = (rounded(random.floats(R * K)), rounded(random.floats(N * R)))

      let u = Tensor.zeros([T, width], .bfloat16)
      Kernels.lowRankProject(
        x: bf16(x, [T, K]), factor: .floats(a, [R, K]), transposed: true, scale: 1, out: u,
        workspace: workspace)
      let exactU = Reference.matmul(doubles(x), doubles(a), T, R, K, transposeB: true)
      let usedU = (0..<T * R).map { u.widened[$0 / R * width + $0 % R] }
      #expect(relativeError(usedU, exactU) < halfUnit)

      let out = Tensor.zeros([T, N])
      Kernels.linearForward(
        x: bf16(x, [T, K]), weight: weight,
        lowRank: LowRankTerm(left: u, factor: .floats(b, [N, R]), scale: 2),
        residual: .floats(residual, [T, N]), out: out, workspace: workspace)
      let product = Reference.matmul(doubles(x), doubles(w), T, N, K, transposeB: true)
      let low = Reference.matmul(doubles(usedU), doubles(b), T, N, R, transposeB: true)
      let sums = (0..<T * N).map { product[$0] + 2 * low[$0] + Double(residual[$0]) }
      // A few tokens may meet an NF4 weight as it is, where more meet it rounded to bfloat16.
      let unrounded = T <= 4 && storage != .bfloat16 ? 2e-3 * Double(K).squareRoot() : 0
      #expect(
        worstMismatch(
          out.floats, sums, relative: 1e-5, absolute: unrounded + 3e-5 * Double(K).squareRoot())
          == nil)

      let narrow = Tensor.zeros([T, N], .bfloat16)
      Kernels.linearForward(
        x: bf16(x, [T, K]), weight: weight, out: narrow, workspace: workspace)
      #expect(
        worstMismatch(narrow.widened, product, relative: halfUnit, absolute: unrounded + 1e-3)
          == nil)

      let v = bf16([Float](repeating: 0.5, count: T * width), [T, width])
      if width != R { for t in 0..<T { v.setBF16Zero(at: t * width + R) } }
      let dX = bf16([Float](repeating: 7, count: T * K), [T, K])
      let term = LinearGradientTerm(
        dOut: bf16(dOut, [T, N]), weight: weight,
        lowRank: LowRankTerm(left: v, factor: .floats(a, [R, K]), scale: 1))
      Kernels.linearBackward([term, term], into: dX, workspace: workspace)
      let back = Reference.matmul(doubles(dOut), doubles(w), T, K, N)
      let halves = [Double](repeating: 0.5, count: T * R)
      let lowBack = Reference.matmul(halves, doubles(a), T, K, R)
      let sum = zip(back, lowBack).map { 2 * ($0 + $1) }
      #expect(worstMismatch(dX.widened, sum, relative: halfUnit, absolute: 1e-3) == nil)
    }

    @Test(arguments: sizes) func gradientsOfFactorsEqualReference(sizes: Sizes) {
      let (T, N, R) = (sizes.T, sizes.N, sizes.R)
      let width = Kernels.lowRankWidth(R, .bfloat16)
      var random = SplitMix64(seed: UInt64(T))
      let (u, right) = (rounded(random.floats(T * R)), rounded(random.floats(T * N)))
      var padded = [Float](repeating: 0, count: T * width)
      for i in 0..<T * R { padded[i / R * width + i % R] = u[i] }
      let before = random.floats(R * N)
      for transposed in [false, true] {
        let gradient = Tensor.floats(before, transposed ? [N, R] : [R, N])
        Kernels.lowRankGradient(
          left: bf16(padded, [T, width]), right: bf16(right, [T, N]), scale: 0.5, into: gradient,
          transposed: transposed, workspace: workspace)
        let product =
          transposed
          ? Reference.matmul(doubles(right), doubles(u), N, R, T, transposeA: true)
          : Reference.matmul(doubles(u), doubles(right), R, N, T, transposeA: true)
        let expected = zip(before, product).map { Double($0) + 0.5 * $1 }
        #expect(worstMismatch(gradient.floats, expected, absolute: 1e-4) == nil)
      }
    }

    @Test(arguments: Attention.cases + Attention.families)
    func attentionEqualsReference(test: AttentionCase) {
      let raw = test.inputs(seed: 12)
      let inputs = AttentionCase.Inputs(
        q: rounded(raw.q), k: rounded(raw.k), v: rounded(raw.v), dOut: rounded(raw.dOut))
      let result = test.run(inputs, workspace, type: .bfloat16)
      let (q, k, v) = (doubles(inputs.q), doubles(inputs.k), doubles(inputs.v))
      let forward = test.reference.forward(q, k, v)
      #expect(relativeError(result.out, forward.out) < halfUnit)
      #expect(worstMismatch(result.logSumExp, forward.logSumExp, absolute: 1e-4) == nil)
      let backward = test.reference.backward(doubles(inputs.dOut), q, k, v)
      #expect(relativeError(result.dV, backward.dV) < 2 * halfUnit)
      // A single key has no gradient through the softmax but that of rounding.
      guard test.T > 1 else { return }
      #expect(relativeError(result.dQ, backward.dQ) < 3 * halfUnit)
      #expect(relativeError(result.dK, backward.dK) < 3 * halfUnit)
    }

    @Test(arguments: [(1, 2, 2), (5, 70, 64), (40, 1501, 66), (700, 5000, 64)], [nil, 3])
    func crossEntropyEqualsFloat32(size: (T: Int, V: Int, D: Int), cap: Float?) {
      let (T, V, D) = size
      var random = SplitMix64(seed: UInt64(V))
      let hidden = rounded(random.floats(T * D, in: -2...2))
      let weight = rounded(random.floats(V * D))
      var labels = random.integers(T, in: 0..<Int32(V))
      if T > 3 { labels[2] = Kernels.ignoredLabel }
      func run(_ type: DataType) -> (loss: Double, dHidden: [Float]) {
        let loss = Tensor.zeros([1], .float64)
        let dHidden = Tensor.floats([Float](repeating: 7, count: T * D), [T, D]).converted(to: type)
        let stored = Tensor.floats(weight, [V, D]).converted(to: type)
        Kernels.linearCrossEntropy(
          hidden: Tensor.floats(hidden, [T, D]).converted(to: type),
          weight: type == .bfloat16 ? .bfloat16(stored) : .float32(stored),
          labels: .integers(labels), softCap: cap, gradientScale: 0.25, loss: loss,
          dHidden: dHidden, workspace: workspace)
        return (loss.scalar, dHidden.widened)
      }
      let (actual, expected) = (run(.bfloat16), run(.float32))
      #expect(worstMismatch([actual.loss], [expected.loss], relative: 1e-5) == nil)
      #expect(relativeError(actual.dHidden, doubles(expected.dHidden)) < 2 * halfUnit)
    }

    @Test(arguments: [1, 33, 64, 33_000], [Activation.silu, .geluTanh])
    func elementwiseEqualsFloat32(count: Int, activation: Activation) {
      var random = SplitMix64(seed: 4)
      let (gate, up) = (rounded(random.floats(count, in: -6...6)), rounded(random.floats(count)))
      let dOut = rounded(random.floats(count))
      let shape = [1, count]
      var results: [[[Float]]] = []
      for type in [DataType.bfloat16, .float32] {
        func make(_ values: [Float]) -> Tensor { Tensor.floats(values, shape).converted(to: type) }
        let out = Tensor.zeros(shape, type)
        Kernels.gatedForward(activation, gate: make(gate), up: make(up), out: out)
        let (dGate, dUp) = (Tensor.zeros(shape, type), Tensor.zeros(shape, type))
        Kernels.gatedBackward(
          activation, dOut: make(dOut), gate: make(gate), up: make(up), dGate: dGate, dUp: dUp)
        let dropped = Tensor.zeros(shape, type)
        let key = RandomKey(seed: 1, purpose: 2, a: 3, b: 4)
        Kernels.dropout(x: make(up), out: dropped, probability: 0.25, key: key)
        results.append([out.widened, dGate.widened, dUp.widened, dropped.widened])
      }
      for (actual, expected) in zip(results[0], results[1]) {
        #expect(worstMismatch(actual, expected, relative: halfUnit, absolute: 1e-30) == nil)
      }
    }

    @Test(arguments: [(1, 2), (7, 64), (70, 577)]) func normEqualsFloat32(T: Int, D: Int) {
      var random = SplitMix64(seed: 5)
      let (x, weight) = (random.floats(T * D), random.floats(D))
      let dOut = rounded(random.floats(T * D))
      var results: [[[Float]]] = []
      for type in [DataType.bfloat16, .float32] {
        let out = Tensor.zeros([T, D], type)
        let (inverse, dX) = (Tensor.zeros([T]), Tensor.floats(x, [T, D]))
        Kernels.rmsNormForward(
          x: .floats(x, [T, D]), weight: .floats(weight), epsilon: 1e-5, out: out,
          inverseRMS: inverse)
        Kernels.rmsNormBackward(
          dOut: Tensor.floats(dOut, [T, D]).converted(to: type), x: .floats(x, [T, D]),
          weight: .floats(weight), inverseRMS: inverse, into: dX, accumulating: true)
        results.append([out.widened, dX.floats])
      }
      #expect(worstMismatch(results[0][0], results[1][0], relative: halfUnit) == nil)
      #expect(worstMismatch(results[0][1], results[1][1], relative: 1e-5, absolute: 1e-5) == nil)
    }

    /// Heads of queries and keys: bfloat16 in and out, in place both ways.
    @Test(arguments: [(1, 2), (12, 64), (3, 1030)]) func normOfBFloat16InPlace(rows: Int, D: Int) {
      var random = SplitMix64(seed: 5)
      let (x, dOut) = (rounded(random.floats(rows * D)), rounded(random.floats(rows * D)))
      let weight = random.floats(D)
      let (out, inverse) = (bf16(x, [rows, D]), Tensor.zeros([rows]))
      Kernels.rmsNormForward(
        x: out, weight: .floats(weight), epsilon: 1e-5, out: out, inverseRMS: inverse)
      let expected = Reference.rmsNorm(doubles(x), weight: doubles(weight), epsilon: 1e-5)
      #expect(worstMismatch(out.widened, expected, relative: halfUnit, absolute: 1e-5) == nil)
      let gradient = bf16(dOut, [rows, D])
      Kernels.rmsNormBackward(
        dOut: gradient, x: bf16(x, [rows, D]), weight: .floats(weight), inverseRMS: inverse,
        into: gradient, accumulating: false)
      let back = Reference.rmsNormBackward(
        doubles(dOut), doubles(x), weight: doubles(weight), epsilon: 1e-5)
      #expect(worstMismatch(gradient.widened, back, relative: halfUnit, absolute: 1e-5) == nil)
    }

    /// Of one token (read as it lies) and of many (laid out in panels).
    @Test(arguments: [1, 3, 9, 70]) func biasIsPartOfTheSum(T: Int) {
      let (N, K) = (70, 64)
      var random = SplitMix64(seed: UInt64(T))
      let (x, w) = (rounded(random.floats(T * K)), rounded(random.floats(N * K)))
      let (b, residual) = (random.floats(N), random.floats(T * N))
      let product = Reference.matmul(doubles(x), doubles(w), T, N, K, transposeB: true)
      for type in [DataType.bfloat16, .float32] {
        let out = Tensor.zeros([T, N], type)
        let adds = type == .float32
        Kernels.linearForward(
          x: bf16(x, [T, K]), weight: .bfloat16(bf16(w, [N, K])), bias: .floats(b),
          residual: adds ? .floats(residual, [T, N]) : nil, out: out, workspace: workspace)
        let sums = product.enumerated().map {
          $1 + Double(b[$0 % N]) + (adds ? Double(residual[$0]) : 0)
        }
        #expect(
          worstMismatch(
            out.widened, sums, relative: adds ? 1e-5 : halfUnit, absolute: 1e-4) == nil)
      }
    }

    @Test func ropeRotatesThereAndBack() {
      let (T, heads, E) = (9, 3, 16)
      var random = SplitMix64(seed: 6)
      let x = rounded(random.floats(T * heads * E))
      let (cos, sin) = (random.floats(T * E / 2), random.floats(T * E / 2))
      let positions = Tensor.integers((0..<Int32(T)).map { $0 })
      var results: [[Float]] = []
      for type in [DataType.bfloat16, .float32] {
        let tensor = Tensor.floats(x, [T, heads * E]).converted(to: type)
        Kernels.rope(
          x: tensor, positions: positions, cos: .floats(cos, [T, E / 2]),
          sin: .floats(sin, [T, E / 2]), headDimension: E, rotated: E,
          inverse: false)
        results.append(tensor.widened)
      }
      #expect(worstMismatch(results[0], results[1], relative: halfUnit, absolute: 1e-6) == nil)
    }

    @Test func bitsDoNotDependOnThreads() {
      var random = SplitMix64(seed: 7)
      let (T, N, K) = (130, 640, 322)
      let tests = [
        AttentionCase(starts: [0, 1090], H: 6, G: 2, E: 16),
        AttentionCase(
          starts: [0, 300, 900, 1000, 1300], H: 4, G: 2, E: 16, prefixes: [nil, 0, 0, 0]),
      ]
      let inputs = tests.map { $0.inputs(seed: 8) }
      let x = bf16(random.floats(T * K), [T, K])
      let (weight, _) = weight(random.floats(N * K), N, K, .nf4DoubleQuantized)
      let head = BaseWeight.bfloat16(bf16(random.floats(N * K), [N, K]))
      let labels = Tensor.integers(random.integers(T, in: 0..<Int32(N)))
      let difference = differenceBetweenThreadCounts {
        let out = Tensor.zeros([T, N], .bfloat16)
        let (dX, dHidden) = (Tensor.zeros([T, K], .bfloat16), Tensor.zeros([T, K], .bfloat16))
        let (loss, gradient) = (Tensor.zeros([1], .float64), Tensor.zeros([N, K]))
        Kernels.linearForward(x: x, weight: weight, out: out, workspace: workspace)
        Kernels.linearBackward(
          [LinearGradientTerm(dOut: out, weight: weight)], into: dX, workspace: workspace)
        Kernels.lowRankGradient(
          left: out, right: dX, scale: 1, into: gradient, transposed: false, workspace: workspace)
        Kernels.linearCrossEntropy(
          hidden: x, weight: head, labels: labels, gradientScale: 1, loss: loss, dHidden: dHidden,
          workspace: workspace)
        let attention = zip(tests, inputs).flatMap { test, inputs in
          let result = test.run(inputs, workspace, type: .bfloat16)
          return result.out + result.dQ + result.dK + result.dV
        }
        return out.widened + dX.widened + gradient.floats + dHidden.widened + attention
          + [Float(loss.scalar)]
      }
      #expect(difference == nil)
    }
  }
}

extension Tensor {
  fileprivate func setBF16Zero(at index: Int) {
    withMutableBytes { $0.storeBytes(of: 0, toByteOffset: 2 * index, as: UInt16.self) }
  }
}
