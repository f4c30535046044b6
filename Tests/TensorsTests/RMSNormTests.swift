import Tensors
import TestSupport
import Testing

extension KernelTests {
  @Suite struct RMSNorm {
    private func run(
      _ x: [Float], _ weight: [Float], _ dOut: [Float], into before: [Float]
    ) -> (out: [Float], dX: [Float]) {
      let (D, T) = (weight.count, x.count / weight.count)
      let (out, dX) = (Tensor.zeros([T, D]), Tensor.floats(before, [T, D]))
      let (input, w) = (Tensor.floats(x, [T, D]), Tensor.floats(weight))
      let inverseRMS = Tensor.zeros([T])
      Kernels.rmsNormForward(
        x: input, weight: w, epsilon: 1e-5, out: out, inverseRMS: inverseRMS)
      Kernels.rmsNormBackward(
        dOut: Tensor.floats(dOut, [T, D]), x: input, weight: w, inverseRMS: inverseRMS, into: dX,
        accumulating: true)
      return (out.floats, dX.floats)
    }

    @Test(arguments: raggedSizes, raggedSizes)
    func equalsReference(T: Int, D: Int) {
      var random = SplitMix64(seed: UInt64(T * 1000 + D))
      let (x, dOut) = (random.floats(T * D, in: -3...3), random.floats(T * D))
      let (weight, before) = (random.floats(D), random.floats(T * D))
      let result = run(x, weight, dOut, into: before)
      let out = Reference.rmsNorm(doubles(x), weight: doubles(weight), epsilon: 1e-5)
      #expect(worstMismatch(result.out, out) == nil)
      let dX = Reference.rmsNormBackward(
        doubles(dOut), doubles(x), weight: doubles(weight), epsilon: 1e-5)
      let sums = zip(before, dX).map { Double($0) + $1 }
      #expect(worstMismatch(result.dX, sums, absolute: 3e-6) == nil)
    }

    @Test(arguments: [1, 2, 7, 33]) func backwardIsTheGradient(D: Int) {
      var random = SplitMix64(seed: UInt64(D))
      let (x, dOut, weight) = (random.floats(2 * D), random.floats(2 * D), random.floats(D))
      let result = run(x, weight, dOut, into: [Float](repeating: 0, count: 2 * D))
      let gradient = numericalGradient(
        of: { dot(Reference.rmsNorm($0, weight: doubles(weight), epsilon: 1e-5), doubles(dOut)) },
        at: doubles(x))
      #expect(worstMismatch(result.dX, gradient, relative: 1e-4, absolute: 1e-5) == nil)
    }

    /// The residual is added; the gradient is written, over its own input where that is wanted. The last
    /// width takes more than one piece.
    @Test(arguments: [(7, 64), (3, 577), (5, 2050)])
    func residualAndWrittenGradient(T: Int, D: Int) {
      var random = SplitMix64(seed: UInt64(T * 1000 + D))
      let (x, dOut, residual) = (
        random.floats(T * D, in: -3...3), random.floats(T * D), random.floats(T * D)
      )
      let weight = random.floats(D)
      let (out, inverseRMS) = (Tensor.zeros([T, D]), Tensor.zeros([T]))
      let (input, w) = (Tensor.floats(x, [T, D]), Tensor.floats(weight))
      Kernels.rmsNormForward(
        x: input, weight: w, epsilon: 1e-5, residual: .floats(residual, [T, D]), out: out,
        inverseRMS: inverseRMS)
      let normalized = Reference.rmsNorm(doubles(x), weight: doubles(weight), epsilon: 1e-5)
      #expect(worstMismatch(out.floats, zip(normalized, residual).map { $0 + Double($1) }) == nil)

      let gradient = Tensor.floats(dOut, [T, D])
      Kernels.rmsNormBackward(
        dOut: gradient, x: input, weight: w, inverseRMS: inverseRMS, into: gradient,
        accumulating: false)
      let expected = Reference.rmsNormBackward(
        doubles(dOut), doubles(x), weight: doubles(weight), epsilon: 1e-5)
      #expect(worstMismatch(gradient.floats, expected, absolute: 3e-6) == nil)
    }

    @Test func bitsDoNotDependOnThreads() {
      var random = SplitMix64(seed: 5)
      let (x, weight) = (random.floats(577 * 576), random.floats(576))
      let difference = differenceBetweenThreadCounts {
        let result = run(x, weight, x, into: x)
        return result.out + result.dX
      }
      #expect(difference == nil)
    }
  }
}
