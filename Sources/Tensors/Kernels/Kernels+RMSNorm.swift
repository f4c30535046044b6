import CKernels

/// Root-mean-square normalization (Zhang & Sennrich 2019, arXiv:1910.07467).
extension Kernels {
  /// out = x · s · weight (+ residual) with s = 1 / sqrt(mean(x²) + epsilon) of each row.
  ///
  /// - Parameters:
  ///   - x: float32 or bfloat16 [rows, D]
  ///   - weight: float32 [D]
  ///   - epsilon: Keeps s finite.
  ///   - residual: float32 [rows, D]; only where `x` and `out` are float32
  ///   - out: float32 or bfloat16 [rows, D]; may be `x` itself
  ///   - inverseRMS: float32 [rows], receives s for the backward pass
  package static func rmsNormForward(
    x: Tensor, weight: Tensor, epsilon: Float, residual: Tensor? = nil, out: Tensor,
    inverseRMS: Tensor
  ) {
    let span = KernelClock.begin(.norms)
    defer { span.end() }
    let width = weight.count
    let rows = x.rows(ofWidth: width, "rmsNorm x")
    out.requireCount(x.count, "rmsNorm out")
    residual?.requireCount(x.count, "rmsNorm residual")
    inverseRMS.requireCount(rows, "rmsNorm inverseRMS")
    precondition(
      residual == nil || (x.dataType == .float32 && out.dataType == .float32 && x !== out),
      "a residual is added in float32, to another tensor")
    ck_rmsnorm_forward(
      ck_rmsnorm(
        x: x.input, weight: weight.f32, epsilon: epsilon,
        residual: residual.map { UnsafePointer($0.f32) }, out: out.output,
        inverse_rms: inverseRMS.f32, T: rows, D: width))
  }

  /// dX = s · weight · dOut - x · s³ · mean(dOut · weight · x), or += where `accumulating`. The weight
  /// is frozen.
  ///
  /// - Parameters:
  ///   - dOut: float32 or bfloat16 [rows, D]
  ///   - x: float32 or bfloat16 [rows, D], as in the forward pass
  ///   - weight: float32 [D]
  ///   - inverseRMS: float32 [rows], from the forward pass
  ///   - dX: float32 or bfloat16 [rows, D]; may be `dOut` itself unless accumulating
  ///   - accumulating: Whether to add; `x` and `dX` are then float32
  package static func rmsNormBackward(
    dOut: Tensor, x: Tensor, weight: Tensor, inverseRMS: Tensor, into dX: Tensor,
    accumulating: Bool
  ) {
    let span = KernelClock.begin(.norms)
    defer { span.end() }
    let width = weight.count
    let rows = x.rows(ofWidth: width, "rmsNorm x")
    dOut.requireCount(x.count, "rmsNorm dOut")
    dX.requireCount(x.count, "rmsNorm dX")
    inverseRMS.requireCount(rows, "rmsNorm inverseRMS")
    precondition(
      !accumulating || (x.dataType == .float32 && dX.dataType == .float32),
      "gradients accumulate in float32, not in \(dX.dataType) from \(x.dataType)")
    ck_rmsnorm_backward(
      ck_rmsnorm_gradient(
        dout: dOut.input, x: x.input, weight: weight.f32, inverse_rms: inverseRMS.f32,
        dx: dX.output, accumulate: accumulating, T: rows, D: width))
  }
}

extension Tensor {
  /// float32 or bfloat16 elements that a kernel reads.
  var input: ck_input {
    dataType == .bfloat16
      ? ck_input(float32: nil, bfloat16: bf16) : ck_input(float32: f32, bfloat16: nil)
  }

  /// float32 or bfloat16 elements that a kernel writes.
  var output: ck_output {
    dataType == .bfloat16
      ? ck_output(float32: nil, bfloat16: bf16) : ck_output(float32: f32, bfloat16: nil)
  }
}
