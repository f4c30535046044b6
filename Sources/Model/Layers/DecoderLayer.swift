package import Tensors

/// One transformer layer: attention, then feed-forward, each on a branch of the residual stream.
///
///     m = x + attention(norm(x))        y = m + feedForward(norm(m))
package struct DecoderLayer {
  package let attention: Residual<SelfAttention>
  package let feedForward: Residual<FeedForward>

  /// What `backward` needs besides the layer's input x.
  package struct Saved {
    let attention: Residual<SelfAttention>.Saved
    let feedForward: Residual<FeedForward>.Saved
    let middle: Tensor  // m, float32 [T, D]
  }

  package func makeSaved(tokens: Int, pass: Pass) -> Saved {
    Saved(
      attention: attention.makeSaved(tokens: tokens, pass: pass),
      feedForward: feedForward.makeSaved(tokens: tokens, pass: pass),
      middle: pass.workspace.tensor([tokens, attention.inputNorm.weight.count]))
  }

  /// - Parameters:
  ///   - x: float32 [T, D]
  ///   - y: float32 [T, D], overwritten; nil where only `saved` is wanted, which costs a product less.
  package func forward(_ x: Tensor, out y: Tensor?, saved: Saved, pass: Pass) {
    attention.forward(x, out: saved.middle, saved: saved.attention, pass: pass)
    feedForward.forward(saved.middle, out: y, saved: saved.feedForward, pass: pass)
  }

  /// Turns the gradient of the output into the gradient of the input, in place, and adds to the
  /// adapters' gradients.
  ///
  /// - Parameters:
  ///   - gradient: dy on entry, dx on exit, float32 [T, D].
  ///   - x: The input of `forward`, float32 [T, D].
  ///   - needsInputGradient: False for the lowest layer that is trained: dx is then not made.
  package func backward(
    gradient: Tensor, x: Tensor, saved: Saved, needsInputGradient: Bool, pass: Pass
  ) {
    feedForward.backward(
      gradient: gradient, x: saved.middle, saved: saved.feedForward, needsInputGradient: true,
      pass: pass)
    attention.backward(
      gradient: gradient, x: x, saved: saved.attention, needsInputGradient: needsInputGradient,
      pass: pass)
  }
}

extension BlockSpecification {
  /// Bytes of `DecoderLayer.Saved`, without the adapters' part.
  func savedBytes(tokens: Int, activations: DataType) -> Int {
    attention.savedBytes(tokens: tokens, activations: activations)
      + attentionNorms.savedBytes(tokens: tokens)
      + feedForward.savedBytes(tokens: tokens, activations: activations)
      + feedForwardNorms.savedBytes(tokens: tokens)
      + tokens * attentionNorms.input.weight.count * 4
  }

  /// Bytes that `DecoderLayer.backward` works in: its branches take turns.
  func backwardBytes(tokens: Int, activations: DataType) -> Int {
    max(
      attentionNorms.backwardBytes(tokens: tokens, activations: activations)
        + attention.backwardBytes(tokens: tokens, activations: activations),
      feedForwardNorms.backwardBytes(tokens: tokens, activations: activations)
        + feedForward.backwardBytes(tokens: tokens, activations: activations))
  }
}
