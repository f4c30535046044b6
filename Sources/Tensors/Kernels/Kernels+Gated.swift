import CKernels

/// The gated feed-forward activation (Shazeer 2020, arXiv:2002.05202).
extension Kernels {
  /// out = act(gate) · up.
  ///
  /// - Parameters:
  ///   - activation: act.
  ///   - gate: float32 or bfloat16 [T, F], and so are the others
  ///   - up: [T, F]
  ///   - out: [T, F]; may be `gate` or `up` itself
  package static func gatedForward(
    _ activation: Activation, gate: Tensor, up: Tensor, out: Tensor
  ) {
    let span = KernelClock.begin(.gated)
    defer { span.end() }
    gate.requireSameShape(up, "gated gate and up")
    gate.requireSameShape(out, "gated gate and out")
    ck_gated_forward(
      ck_gated(
        activation: activation.native, gate: gate.input, up: up.input, out: out.output,
        count: gate.count))
  }

  /// dUp = dOut · act(gate), dGate = dOut · up · act'(gate). Both are written; either may be `dOut`,
  /// `gate` or `up` itself.
  ///
  /// - Parameters:
  ///   - activation: act.
  ///   - dOut: float32 or bfloat16 [T, F], and so are the others
  ///   - gate: [T, F]
  ///   - up: [T, F]
  ///   - dGate: [T, F]
  ///   - dUp: [T, F]
  package static func gatedBackward(
    _ activation: Activation, dOut: Tensor, gate: Tensor, up: Tensor, dGate: Tensor, dUp: Tensor
  ) {
    let span = KernelClock.begin(.gated)
    defer { span.end() }
    for tensor in [up, dOut, dGate, dUp] { gate.requireSameShape(tensor, "gated gradients") }
    ck_gated_backward(
      ck_gated_gradient(
        activation: activation.native, dout: dOut.input, gate: gate.input, up: up.input,
        dgate: dGate.output, dup: dUp.output, count: gate.count))
  }
}
