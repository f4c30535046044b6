import Tensors
import TestSupport
import Testing

extension KernelTests {
  @Suite struct LayerNorm {
    struct Case {
      let x, weight, bias, dOut, before: [Float]
      let T, D: Int

      init(T: Int, D: Int) {
        var random = SplitMix64(seed: UInt64(T * 1000 + D))
        (self.T, self.D) = (T, D)
        // Far from zero, as the stream of a deep model is.
        x = random.floats(T * D, in: 1...5)
        (weight, bias) = (random.floats(D), random.floats(D))
        (dOut, before) = (random.floats(T * D), random.floats(T * D))
      }

      func run(type: DataType) -> (out: Tensor, dX: Tensor) {
        let (out, dX) = (Tensor.zeros([T, D], type), Tensor.floats(before, [T, D]))
        let (input, statistics) = (Tensor.floats(x, [T, D]), Tensor.zeros([T, 2]))
        Kernels.layerNormForward(
          x: input, weight: .floats(weight), bias: .floats(bias), epsilon: 1e-5, out: out,
          statistics: statistics)
        Kernels.layerNormBackward(
          dOut: Tensor.floats(dOut, [T, D]).converted(to: type), x: input,
          weight: .floats(weight), statistics: statistics, into: dX)
        return (out, dX)
      }

      func value(_ x: [Double]) -> [Double] {
        Reference.layerNorm(x, weight: doubles(weight), bias: doubles(bias), epsilon: 1e-5)
      }
    }

    @Test(arguments: [1, 3, 7], [2, 7, 64, 577, 2050])
    func equalsReference(T: Int, D: Int) {
      let test = Case(T: T, D: D)
      let expected = test.value(doubles(test.x))
      #expect(worstMismatch(test.run(type: .float32).out.floats, expected, absolute: 2e-5) == nil)
      #expect(
        worstMismatch(
          test.run(type: .bfloat16).out.widened, expected, relative: 1.0 / 256, absolute: 2e-5)
          == nil)
    }

    @Test(arguments: [2, 7, 33, 1030]) func backwardIsTheGradient(D: Int) {
      let test = Case(T: 2, D: D)
      let gradient = numericalGradient(
        of: { dot(test.value($0), doubles(test.dOut)) }, at: doubles(test.x))
      let expected = zip(test.before, gradient).map { Double($0) + $1 }
      #expect(
        worstMismatch(test.run(type: .float32).dX.floats, expected, relative: 1e-4, absolute: 2e-5)
          == nil)
      #expect(
        worstMismatch(test.run(type: .bfloat16).dX.floats, expected, relative: 0.02, absolute: 0.02)
          == nil)
    }

    @Test func bitsDoNotDependOnThreads() {
      let test = Case(T: 577, D: 576)
      let difference = differenceBetweenThreadCounts {
        let result = test.run(type: .float32)
        return result.out.floats + result.dX.floats
      }
      #expect(difference == nil)
    }
  }
}
