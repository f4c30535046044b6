import CKernels

/// Layer normalization (Ba et al. 2016, arXiv:1607.06450).
extension Kernels {
  /// out = (x - mean) · s · weight + bias with s = 1 / sqrt(variance + epsilon) of each row.
  ///
  /// - Parameters:
  ///   - x: float32 [rows, D]
  ///   - weight: float32 [D]
  ///   - bias: float32 [D]
  ///   - epsilon: Keeps s finite.
  ///   - out: float32 or bfloat16 [rows, D], another tensor than `x`
  ///   - statistics: float32 [rows, 2], receives mean and s for the backward pass
  package static func layerNormForward(
    x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float, out: Tensor, statistics: Tensor
  ) {
    let span = KernelClock.begin(.norms)
    defer { span.end() }
    let width = weight.count
    let rows = x.rows(ofWidth: width, "layerNorm x")
    precondition(x !== out, "layerNorm in place")
    bias.requireCount(width, "layerNorm bias")
    out.requireCount(x.count, "layerNorm out")
    statistics.requireCount(2 * rows, "layerNorm statistics")
    ck_layernorm_forward(
      ck_layernorm(
        x: x.f32, weight: weight.f32, bias: bias.f32, epsilon: epsilon, out: out.output,
        statistics: statistics.f32, T: rows, D: width))
  }

  /// With n = (x - mean) · s and g = weight · dOut:
  ///
  ///     dX += s · (g - mean(g) - n · mean(g · n))
  ///
  /// - Parameters:
  ///   - dOut: float32 or bfloat16 [rows, D]
  ///   - x: float32 [rows, D], as in the forward pass
  ///   - weight: float32 [D], frozen
  ///   - statistics: float32 [rows, 2], from the forward pass
  ///   - dX: float32 [rows, D], added to
  package static func layerNormBackward(
    dOut: Tensor, x: Tensor, weight: Tensor, statistics: Tensor, into dX: Tensor
  ) {
    let span = KernelClock.begin(.norms)
    defer { span.end() }
    let width = weight.count
    let rows = x.rows(ofWidth: width, "layerNorm x")
    dOut.requireCount(x.count, "layerNorm dOut")
    dX.requireCount(x.count, "layerNorm dX")
    statistics.requireCount(2 * rows, "layerNorm statistics")
    ck_layernorm_backward(
      ck_layernorm_gradient(
        dout: dOut.input, x: x.f32, weight: weight.f32, statistics: statistics.f32, dx: dX.f32,
        T: rows, D: width))
  }
}
