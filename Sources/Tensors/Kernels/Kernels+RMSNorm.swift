import CKernels

/// Root-mean-square normalization (Zhang & Sennrich 2019, arXiv:1910.07467).
extension Kernels {
  /// out = x · s · weight with s = 1 / sqrt(mean(x²) + epsilon) of each row.
  ///
  /// - Parameters:
  ///   - x: float32 [T, D]
  ///   - weight: float32 [D]
  ///   - epsilon: Keeps s finite.
  ///   - out: float32 or bfloat16 [T, D]
  ///   - inverseRMS: float32 [T], receives s for the backward pass
  package static func rmsNormForward(
    x: Tensor, weight: Tensor, epsilon: Float, out: Tensor, inverseRMS: Tensor
  ) {
    let span = KernelClock.begin(.norms)
    defer { span.end() }
    let width = weight.count
    let tokens = x.rows(ofWidth: width, "rmsNorm x")
    out.requireCount(x.count, "rmsNorm out")
    inverseRMS.requireCount(tokens, "rmsNorm inverseRMS")
    switch out.dataType {
    case .bfloat16:
      ck_bf16_rmsnorm_forward(
        x.f32, weight.f32, epsilon, out.bf16, inverseRMS.f32, tokens, width)
    default:
      ck_rmsnorm_forward(x.f32, weight.f32, epsilon, out.f32, inverseRMS.f32, tokens, width)
    }
  }

  /// dX += s · weight · dOut - x · s³ · mean(dOut · weight · x). The weight is frozen.
  ///
  /// - Parameters:
  ///   - dOut: float32 or bfloat16 [T, D]
  ///   - x: float32 [T, D], as in the forward pass
  ///   - weight: float32 [D]
  ///   - inverseRMS: float32 [T], from the forward pass
  ///   - dX: float32 [T, D], accumulated
  package static func rmsNormBackward(
    dOut: Tensor, x: Tensor, weight: Tensor, inverseRMS: Tensor, into dX: Tensor
  ) {
    let span = KernelClock.begin(.norms)
    defer { span.end() }
    let width = weight.count
    let tokens = x.rows(ofWidth: width, "rmsNorm x")
    dOut.requireCount(x.count, "rmsNorm dOut")
    dX.requireCount(x.count, "rmsNorm dX")
    inverseRMS.requireCount(tokens, "rmsNorm inverseRMS")
    switch dOut.dataType {
    case .bfloat16:
      ck_bf16_rmsnorm_backward(
        dOut.bf16, x.f32, weight.f32, inverseRMS.f32, dX.f32, tokens, width)
    default:
      ck_rmsnorm_backward(dOut.f32, x.f32, weight.f32, inverseRMS.f32, dX.f32, tokens, width)
    }
  }
}
