import CKernels

/// The activation of a gated feed-forward layer.
package enum Activation: Sendable {
  /// x σ(x), also called swish (Ramachandran et al. 2017, arXiv:1710.05941).
  case silu
  /// GELU with tanh in place of erf (Hendrycks & Gimpel 2016, arXiv:1606.08415).
  case geluTanh

  fileprivate var native: ck_activation {
    switch self {
    case .silu: CK_SILU
    case .geluTanh: CK_GELU_TANH
    }
  }
}

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
