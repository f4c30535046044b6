package import Tensors

/// Root-mean-square normalization (Zhang & Sennrich 2019, arXiv:1910.07467).
///
///     y = x · s · w,   s = 1 / sqrt(mean(x²) + ε)
///
/// `w` is frozen, so `backward` produces the input gradient only:
///
///     dx = s · (w · dy − x · s² · mean(w · dy · x))
package struct RMSNorm {
  package let weight: Tensor  // [D]
  package let epsilon: Float

  package init(weight: Tensor, epsilon: Float) {
    self.weight = weight
    self.epsilon = epsilon
  }

  /// - Parameters:
  ///   - x: [T, D]
  ///   - out: [T, D], overwritten. Cheap to make again, so `backward` does not need it.
  ///   - inverseRMS: [T], the factor s of each row; overwritten, kept for `backward`.
  package func forward(_ x: Tensor, out: Tensor, inverseRMS: Tensor) {
    Kernels.rmsNormForward(x: x, weight: weight, epsilon: epsilon, out: out, inverseRMS: inverseRMS)
  }

  /// Adds the input gradient to `dX` [T, D].
  package func backward(dOut: Tensor, x: Tensor, inverseRMS: Tensor, into dX: Tensor) {
    Kernels.rmsNormBackward(dOut: dOut, x: x, weight: weight, inverseRMS: inverseRMS, into: dX)
  }
}
