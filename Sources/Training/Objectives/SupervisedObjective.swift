package import Model
package import Tensors

/// Supervised fine-tuning: every trained token is predicted from those before it.
///
///     loss = Σ_t w_t · −log softmax(z_t)[target_t]      over positions with a target
package struct SupervisedObjective: Objective {
  package init() {}

  /// The weight of all trained tokens, their number where each counts 1: the mean loss of a step does
  /// not depend on how rows are put into batches.
  package func denominator(_ batches: [TokenBatch]) -> Double {
    batches.reduce(0) { $0 + $1.trainedWeight }
  }

  package func apply(
    _ hidden: Tensor, batch: TokenBatch, head: OutputHead, gradientScale: Double,
    into dHidden: Tensor?, loss: Tensor, workspace: Workspace
  ) {
    Kernels.linearCrossEntropy(
      hidden: hidden, weight: head.weight, bias: head.bias, labels: batch.targets,
      weights: batch.targetWeights, softCap: head.softCap, gradientScale: gradientScale, loss: loss,
      dHidden: dHidden, workspace: workspace)
  }
}
