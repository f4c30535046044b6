import Tensors
import TestSupport
import Testing

extension KernelTests {
  @Suite struct Gated {
    @Test(arguments: raggedSizes + [40000], Reference.Gate.all)
    func equalsReference(count: Int, act: Reference.Gate) {
      var random = SplitMix64(seed: UInt64(count))
      let gate = random.floats(count, in: -20...20)
      let (up, dOut) = (random.floats(count), random.floats(count))
      let out = Tensor.zeros([count])
      Kernels.gatedForward(act.kind, gate: .floats(gate), up: .floats(up), out: out)
      let expected = zip(doubles(gate), doubles(up)).map { act.value($0) * $1 }
      #expect(worstMismatch(out.floats, expected) == nil)

      let (dGate, dUp) = (Tensor.zeros([count]), Tensor.zeros([count]))
      Kernels.gatedBackward(
        act.kind, dOut: .floats(dOut), gate: .floats(gate), up: .floats(up), dGate: dGate,
        dUp: dUp)
      let gateGradient = (0..<count).map {
        Double(dOut[$0] * up[$0]) * act.slope(Double(gate[$0]))
      }
      // Where the slope crosses zero its parts cancel.
      #expect(worstMismatch(dGate.floats, gateGradient, absolute: 3e-6) == nil)
      let upGradient = (0..<count).map { Double(dOut[$0]) * act.value(Double(gate[$0])) }
      #expect(worstMismatch(dUp.floats, upGradient) == nil)
    }

    @Test(arguments: Reference.Gate.all)
    func referenceSlopeIsTheDerivative(act: Reference.Gate) {
      // Zero, where some have a bend, is not among them.
      let points = stride(from: -12.03, through: 12, by: 0.37).map { $0 }
      let slopes = numericalGradient(of: { $0.reduce(0) { $0 + act.value($1) } }, at: points)
      #expect(worstMismatch(points.map(act.slope), slopes, absolute: 1e-8) == nil)
    }

    @Test(arguments: [64, 577], Reference.Gate.all)
    func outputsMayBeInputs(count: Int, act: Reference.Gate) {
      var random = SplitMix64(seed: 9)
      let (gate, up, dOut) = (random.floats(count), random.floats(count), random.floats(count))
      let (dGate, dUp) = (Tensor.zeros([count]), Tensor.zeros([count]))
      Kernels.gatedBackward(
        act.kind, dOut: .floats(dOut), gate: .floats(gate), up: .floats(up), dGate: dGate,
        dUp: dUp)
      let (shared, sharedUp) = (Tensor.floats(dOut), Tensor.floats(up))
      Kernels.gatedBackward(
        act.kind, dOut: shared, gate: .floats(gate), up: sharedUp, dGate: shared, dUp: sharedUp)
      #expect(firstDifference(shared.floats, dGate.floats) == nil)
      #expect(firstDifference(sharedUp.floats, dUp.floats) == nil)
    }

    /// The exponential must neither overflow to NaN nor lose the limits of the activation.
    @Test(arguments: Reference.Gate.linearFarOut) func extremeGates(act: Reference.Gate) {
      let gate: [Float] = [-1e30, -1000, -104, -88, 88, 104, 1000, 1e30]
      let ones = [Float](repeating: 1, count: gate.count)
      let out = Tensor.zeros([gate.count])
      Kernels.gatedForward(act.kind, gate: .floats(gate), up: .floats(ones), out: out)
      #expect(
        worstMismatch(out.floats, [0, 0, 0, 0, 88, 104, 1000, 1e30] as [Double], absolute: 1e-30)
          == nil)
      let (dGate, dUp) = (Tensor.zeros([gate.count]), Tensor.zeros([gate.count]))
      Kernels.gatedBackward(
        act.kind, dOut: .floats(ones), gate: .floats(gate), up: .floats(ones), dGate: dGate,
        dUp: dUp)
      #expect(
        worstMismatch(dGate.floats, [0, 0, 0, 0, 1, 1, 1, 1] as [Double], absolute: 1e-30) == nil)
    }

    @Test func bitsDoNotDependOnThreads() {
      var random = SplitMix64(seed: 5)
      let (gate, up) = (random.floats(200_000), random.floats(200_000))
      let difference = differenceBetweenThreadCounts {
        let out = Tensor.zeros([gate.count])
        Kernels.gatedForward(.geluTanh, gate: .floats(gate), up: .floats(up), out: out)
        return out.floats
      }
      #expect(difference == nil)
    }
  }
}
