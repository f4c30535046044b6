import CKernels

/// The gated feed-forward activation (Shazeer 2020, arXiv:2002.05202).
extension Kernels {
  /// out = silu(gate) · up, silu(x) = x σ(x).
  ///
  /// - Parameters:
  ///   - gate: float32 or bfloat16 [T, F], and so are the others
  ///   - up: [T, F]
  ///   - out: [T, F]; may be `gate` or `up` itself
  package static func swigluForward(gate: Tensor, up: Tensor, out: Tensor) {
    let span = KernelClock.begin(.swiglu)
    defer { span.end() }
    gate.requireSameShape(up, "swiglu gate and up")
    gate.requireSameShape(out, "swiglu gate and out")
    switch gate.dataType {
    case .bfloat16: ck_bf16_swiglu_forward(gate.bf16, up.bf16, out.bf16, gate.count)
    default: ck_swiglu_forward(gate.f32, up.f32, out.f32, gate.count)
    }
  }

  /// dUp = dOut · silu(gate), dGate = dOut · up · σ(gate) (1 + gate (1 - σ(gate))). Both are
  /// written; either may be `dOut`, `gate` or `up` itself.
  ///
  /// - Parameters:
  ///   - dOut: float32 or bfloat16 [T, F], and so are the others
  ///   - gate: [T, F]
  ///   - up: [T, F]
  ///   - dGate: [T, F]
  ///   - dUp: [T, F]
  package static func swigluBackward(
    dOut: Tensor, gate: Tensor, up: Tensor, dGate: Tensor, dUp: Tensor
  ) {
    let span = KernelClock.begin(.swiglu)
    defer { span.end() }
    for tensor in [up, dOut, dGate, dUp] { gate.requireSameShape(tensor, "swiglu gradients") }
    switch gate.dataType {
    case .bfloat16:
      ck_bf16_swiglu_backward(dOut.bf16, gate.bf16, up.bf16, dGate.bf16, dUp.bf16, gate.count)
    default: ck_swiglu_backward(dOut.f32, gate.f32, up.f32, dGate.f32, dUp.f32, gate.count)
    }
  }
}
