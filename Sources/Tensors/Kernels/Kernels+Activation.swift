import CKernels

/// The activation of a feed-forward layer.
package enum Activation: Sendable, CaseIterable {
  /// x σ(x), also called swish (Ramachandran et al. 2017, arXiv:1710.05941).
  case silu
  /// GELU with tanh in place of erf (Hendrycks & Gimpel 2016, arXiv:1606.08415).
  case geluTanh
  /// x Φ(x), the exact GELU (the same paper).
  case gelu
  /// x σ(1.702 x), "quick_gelu" (the same paper).
  case geluQuick
  /// max(x, 0)
  case relu
  /// max(x, 0)² (So et al. 2021, arXiv:2109.08668).
  case reluSquared

  var native: ck_activation {
    switch self {
    case .silu: CK_SILU
    case .geluTanh: CK_GELU_TANH
    case .gelu: CK_GELU
    case .geluQuick: CK_GELU_QUICK
    case .relu: CK_RELU
    case .reluSquared: CK_RELU_SQUARED
    }
  }
}

/// The activation of a feed-forward layer without a gate.
extension Kernels {
  /// out = act(x).
  ///
  /// - Parameters:
  ///   - x: float32 or bfloat16
  ///   - out: As `x`; may be `x` itself
  package static func activationForward(_ activation: Activation, x: Tensor, out: Tensor) {
    let span = KernelClock.begin(.gated)
    defer { span.end() }
    x.requireSameShape(out, "activation x and out")
    ck_activation_forward(
      ck_activation_pass(
        activation: activation.native, x: x.input, out: out.output, count: x.count))
  }

  /// dX = dOut · act'(x).
  ///
  /// - Parameters:
  ///   - dOut: float32 or bfloat16, and so are the others
  ///   - x: As in the forward pass
  ///   - dX: Written; may be `dOut` or `x` itself
  package static func activationBackward(
    _ activation: Activation, dOut: Tensor, x: Tensor, dX: Tensor
  ) {
    let span = KernelClock.begin(.gated)
    defer { span.end() }
    x.requireSameShape(dOut, "activation x and dOut")
    x.requireSameShape(dX, "activation x and dX")
    ck_activation_backward(
      ck_activation_gradient(
        activation: activation.native, dout: dOut.input, x: x.input, dx: dX.output,
        count: x.count))
  }
}
