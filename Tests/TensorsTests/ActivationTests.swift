import Tensors
import TestSupport
import Testing

extension KernelTests {
  @Suite struct Activations {
    @Test(arguments: raggedSizes + [40000], Reference.Gate.all)
    func equalsReference(count: Int, act: Reference.Gate) {
      var random = SplitMix64(seed: UInt64(count))
      let (x, dOut) = (random.floats(count, in: -12...12), random.floats(count))
      let (out, dX) = (Tensor.zeros([count]), Tensor.zeros([count]))
      Kernels.activationForward(act.kind, x: .floats(x), out: out)
      #expect(worstMismatch(out.floats, doubles(x).map(act.value)) == nil)
      Kernels.activationBackward(act.kind, dOut: .floats(dOut), x: .floats(x), dX: dX)
      let expected = zip(doubles(dOut), doubles(x)).map { $0 * act.slope($1) }
      #expect(worstMismatch(dX.floats, expected, absolute: 3e-6) == nil)
    }

    /// In place, and in bfloat16 within its rounding.
    @Test(arguments: Reference.Gate.all) func otherTypesAndPlaces(act: Reference.Gate) {
      var random = SplitMix64(seed: 4)
      let (x, dOut) = (random.floats(577, in: -6...6), random.floats(577))
      let (out, dX) = (Tensor.floats(x), Tensor.floats(dOut))
      Kernels.activationForward(act.kind, x: out, out: out)
      #expect(worstMismatch(out.floats, doubles(x).map(act.value)) == nil)
      Kernels.activationBackward(act.kind, dOut: dX, x: .floats(x), dX: dX)
      let gradient = zip(doubles(dOut), doubles(x)).map { $0 * act.slope($1) }
      #expect(worstMismatch(dX.floats, gradient, absolute: 3e-6) == nil)

      let narrow = Tensor.floats(x).converted(to: .bfloat16)
      let narrowOut = Tensor.zeros([577], .bfloat16)
      Kernels.activationForward(act.kind, x: narrow, out: narrowOut)
      let expected = narrow.widened.map { act.value(Double($0)) }
      #expect(
        worstMismatch(narrowOut.widened, expected, relative: 1.0 / 256, absolute: 1e-6) == nil)
      let narrowGradient = Tensor.floats(dOut).converted(to: .bfloat16)
      let slopes = zip(narrowGradient.widened, narrow.widened).map {
        Double($0) * act.slope(Double($1))
      }
      Kernels.activationBackward(act.kind, dOut: narrowGradient, x: narrow, dX: narrowGradient)
      #expect(
        worstMismatch(narrowGradient.widened, slopes, relative: 1.0 / 256, absolute: 3e-6) == nil)
    }

    @Test(arguments: Activation.allCases) func bitsDoNotDependOnThreads(kind: Activation) {
      var random = SplitMix64(seed: 5)
      let x = random.floats(200_000)
      let difference = differenceBetweenThreadCounts {
        let out = Tensor.zeros([x.count])
        Kernels.activationForward(kind, x: .floats(x), out: out)
        return out.floats
      }
      #expect(difference == nil)
    }
  }
}
