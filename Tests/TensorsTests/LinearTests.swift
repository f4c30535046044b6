import Tensors
import TestSupport
import Testing

extension KernelTests {
  @Suite struct Linear {
    let workspace = Workspace(capacity: 1 << 30)

    @Test(arguments: raggedSizes, [(1, 1), (7, 65), (192, 16), (577, 5)])
    func equalsReference(T: Int, size: (N: Int, K: Int)) {
      let (N, K) = size
      var random = SplitMix64(seed: UInt64(T + N))
      let (x, w, dOut) = (random.floats(T * K), random.floats(N * K), random.floats(T * N))
      let weight = BaseWeight.float32(Tensor.floats(w, [N, K]))

      let out = Tensor.zeros([T, N])
      Kernels.linearForward(
        x: Tensor.floats(x, [T, K]), weight: weight, out: out, workspace: workspace)
      let expected = Reference.matmul(doubles(x), doubles(w), T, N, K, transposeB: true)
      #expect(worstMismatch(out.floats, expected, absolute: 1e-4) == nil)

      // Garbage that must be overwritten.
      let dX = Tensor.floats([Float](repeating: 7, count: T * K), [T, K])
      Kernels.linearBackward(
        [LinearGradientTerm(dOut: .floats(dOut, [T, N]), weight: weight)], into: dX,
        workspace: workspace)
      let product = Reference.matmul(doubles(dOut), doubles(w), T, K, N)
      #expect(worstMismatch(dX.floats, product, absolute: 1e-4) == nil)
    }

    @Test(arguments: raggedSizes) func biasIsAddedToEveryRow(T: Int) {
      let (N, K) = (33, 65)
      var random = SplitMix64(seed: UInt64(T))
      let (x, w, b) = (random.floats(T * K), random.floats(N * K), random.floats(N))
      let out = Tensor.zeros([T, N])
      Kernels.linearForward(
        x: .floats(x, [T, K]), weight: .float32(.floats(w, [N, K])), bias: .floats(b), out: out,
        workspace: workspace)
      let product = Reference.matmul(doubles(x), doubles(w), T, N, K, transposeB: true)
      let expected = product.enumerated().map { $1 + Double(b[$0 % N]) }
      #expect(worstMismatch(out.floats, expected, absolute: 1e-4) == nil)
    }

    /// The last size takes more than one panel of expanded rows.
    @Test(arguments: [(1, 7, 65), (33, 192, 64), (20, 577, 130), (5, 900, 4097)])
    func nf4EqualsItsExpandedSelf(T: Int, N: Int, K: Int) {
      var random = SplitMix64(seed: UInt64(T + N))
      let w = Tensor.floats(random.floats(N * K), [N, K])
      let x = Tensor.floats(random.floats(T * K), [T, K])
      let dOut = Tensor.floats(random.floats(T * N), [T, N])
      let quantized = Kernels.nf4Quantize(w, outputs: N, inputs: K, doubleQuantization: true)
      let expanded = Tensor.zeros([N, K])
      Kernels.nf4Dequantize(quantized, into: expanded)

      var results: [[Float]] = []
      for weight in [BaseWeight.nf4(quantized), .float32(expanded)] {
        let (out, dX) = (Tensor.zeros([T, N]), Tensor.zeros([T, K]))
        Kernels.linearForward(x: x, weight: weight, out: out, workspace: workspace)
        Kernels.linearBackward(
          [LinearGradientTerm(dOut: dOut, weight: weight)], into: dX, workspace: workspace)
        results.append(out.floats + dX.floats)
      }
      #expect(worstMismatch(results[0], results[1], absolute: 1e-3) == nil)
      #expect(results[1].contains { abs($0) > 0.1 })
    }

    @Test func bitsDoNotDependOnThreads() {
      let (T, N, K) = (64, 600, 4097)
      var random = SplitMix64(seed: 3)
      let w = Tensor.floats(random.floats(N * K), [N, K])
      let x = Tensor.floats(random.floats(T * K), [T, K])
      let weight = BaseWeight.nf4(
        Kernels.nf4Quantize(w, outputs: N, inputs: K, doubleQuantization: true))
      let difference = differenceBetweenThreadCounts {
        let (out, dX) = (Tensor.zeros([T, N]), Tensor.zeros([T, K]))
        Kernels.linearForward(x: x, weight: weight, out: out, workspace: workspace)
        Kernels.linearBackward(
          [LinearGradientTerm(dOut: out, weight: weight)], into: dX, workspace: workspace)
        return out.floats + dX.floats
      }
      #expect(difference == nil)
    }

    @Test func scratchIsGivenBack() {
      let weight = BaseWeight.nf4(
        Kernels.nf4Quantize(
          Tensor.zeros([64, 64]), outputs: 64, inputs: 64, doubleQuantization: false))
      let (x, out) = (workspace.tensor([3, 64]), workspace.tensor([3, 64]))
      x.fillWithZeros()
      Kernels.linearForward(x: x, weight: weight, out: out, workspace: workspace)
      let peak = workspace.peakBytes
      for _ in 0..<10 {
        Kernels.linearForward(x: x, weight: weight, out: out, workspace: workspace)
      }
      #expect(workspace.peakBytes == peak)
    }
  }
}
