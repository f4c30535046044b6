package import Tensors

/// What training makes small: supervised fine-tuning, preference training, distillation.
///
/// An objective sees the normalized hidden states of a batch, where there is something to predict, and the
/// output head, so that logits need never exist whole.
package protocol Objective {
  /// What the sum of the losses of an optimizer step is divided by.
  ///
  /// - Parameter batches: All micro-batches of the step.
  func denominator(_ batches: [TokenBatch]) -> Double

  /// Adds the sum of the losses of a batch to `loss` (float64 [1]).
  ///
  /// - Parameters:
  ///   - hidden: [L, D], the final norm's output for each of the batch's `targets`.
  ///   - gradientScale: Factor of the gradient, not of the loss.
  ///   - dHidden: As `hidden`, receives the gradient in every row; nil where none is wanted.
  func apply(
    _ hidden: Tensor, batch: TokenBatch, head: OutputHead, gradientScale: Double,
    into dHidden: Tensor?, loss: Tensor, workspace: Workspace)
}
