package import Tensors

/// Normalization of rows, frozen.
///
///     y = n · w (+ residual),      n = x / sqrt(mean(x²) + ε)                   (Zhang & Sennrich 2019)
///     y = n · w + b,               n = (x − mean(x)) / sqrt(variance(x) + ε)    (Ba et al. 2016)
///
/// `backward` produces the input gradient only. With s for the factor that x is multiplied by and
/// g = w · dy:
///
///     dx = s · (g − n · mean(g · n))        and, with a mean,  dx = s · (g − mean(g) − n · mean(g · n))
package struct Norm {
  package let kind: NormSpecification.Kind
  /// float32 [D]; rows of x are D wide, so that the heads of [T, H·D] are rows of their own.
  package let weight: Tensor
  /// float32 [D], with a mean only.
  package let bias: Tensor?
  package let epsilon: Float

  /// Room for what `backward` needs of the rows of x, `count` elements in all.
  func makeStatistics(count: Int, workspace: Workspace) -> Tensor {
    workspace.tensor([count / weight.count * kind.statisticsPerRow])
  }

  /// - Parameters:
  ///   - x: [rows, D]
  ///   - residual: float32 [rows, D], added to the result.
  ///   - out: [rows, D], overwritten. Cheap to make again, so `backward` does not need it.
  ///   - statistics: From `makeStatistics`; overwritten, kept for `backward`.
  package func forward(
    _ x: Tensor, residual: Tensor? = nil, out: Tensor, statistics: Tensor
  ) {
    guard kind == .layer, let bias else {
      Kernels.rmsNormForward(
        x: x, weight: weight, epsilon: epsilon, residual: residual, out: out,
        inverseRMS: statistics)
      return
    }
    precondition(residual == nil, "layer normalization takes no residual")
    Kernels.layerNormForward(
      x: x, weight: weight, bias: bias, epsilon: epsilon, out: out, statistics: statistics)
  }

  /// Adds the input gradient to `dX` [rows, D], or writes it; then `dX` may be `dOut` itself.
  package func backward(
    dOut: Tensor, x: Tensor, statistics: Tensor, into dX: Tensor, accumulating: Bool
  ) {
    guard kind == .layer else {
      Kernels.rmsNormBackward(
        dOut: dOut, x: x, weight: weight, inverseRMS: statistics, into: dX,
        accumulating: accumulating)
      return
    }
    precondition(accumulating, "the gradient of a layer normalization is added")
    Kernels.layerNormBackward(
      dOut: dOut, x: x, weight: weight, statistics: statistics, into: dX)
  }
}

extension NormSpecification.Kind {
  /// Floats that `backward` needs of a row.
  var statisticsPerRow: Int { self == .layer ? 2 : 1 }
}

extension NormSpecification {
  /// Bytes of `Norm.makeStatistics`.
  func statisticsBytes(count: Int) -> Int { 4 * count / weight.count * kind.statisticsPerRow }
}
