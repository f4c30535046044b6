package import Tensors

/// Root-mean-square normalization (Zhang & Sennrich 2019, arXiv:1910.07467).
///
///     y = x · s · w (+ residual),   s = 1 / sqrt(mean(x²) + ε)
///
/// `w` is frozen, so `backward` produces the input gradient only:
///
///     dx = s · (w · dy − x · s² · mean(w · dy · x))
package struct RMSNorm {
  /// float32 [D]; rows of x are D wide, so that the heads of [T, H·D] are rows of their own.
  package let weight: Tensor
  package let epsilon: Float

  package init(weight: Tensor, epsilon: Float) {
    self.weight = weight
    self.epsilon = epsilon
  }

  /// - Parameters:
  ///   - x: [rows, D]
  ///   - residual: float32 [rows, D], added to the result.
  ///   - out: [rows, D], overwritten. Cheap to make again, so `backward` does not need it.
  ///   - inverseRMS: [rows], the factor s of each row; overwritten, kept for `backward`.
  package func forward(
    _ x: Tensor, residual: Tensor? = nil, out: Tensor, inverseRMS: Tensor
  ) {
    Kernels.rmsNormForward(
      x: x, weight: weight, epsilon: epsilon, residual: residual, out: out,
      inverseRMS: inverseRMS)
  }

  /// Adds the input gradient to `dX` [rows, D], or writes it; then `dX` may be `dOut` itself.
  package func backward(
    dOut: Tensor, x: Tensor, inverseRMS: Tensor, into dX: Tensor, accumulating: Bool
  ) {
    Kernels.rmsNormBackward(
      dOut: dOut, x: x, weight: weight, inverseRMS: inverseRMS, into: dX,
      accumulating: accumulating)
  }
}
