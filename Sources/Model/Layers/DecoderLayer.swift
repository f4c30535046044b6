package import Tensors

/// One transformer layer: attention, then feed-forward, each on a branch of the residual stream.
///
///     m = x + attention(norm(x))        y = m + feedForward(norm(m))
///
/// Where the pass selects L of the T tokens, as in the last layer, m and y are made for those alone.
package struct DecoderLayer {
  package let attention: Residual<SelfAttention>
  package let feedForward: Residual<FeedForward>

  /// What `backward` needs besides the layer's input x.
  package struct Saved {
    let attention: Residual<SelfAttention>.Saved
    let feedForward: Residual<FeedForward>.Saved
    let middle: Tensor  // m, float32 [L, D]
  }

  package func makeSaved(tokens: Int, pass: Pass) -> Saved {
    let outputs = pass.outputs(of: tokens)
    return Saved(
      attention: attention.makeSaved(tokens: tokens, pass: pass),
      feedForward: feedForward.makeSaved(tokens: outputs, pass: pass.withoutSelection),
      middle: pass.workspace.tensor([outputs, attention.inputNorm.weight.count]))
  }

  /// - Parameters:
  ///   - x: float32 [T, D]
  ///   - y: float32 [L, D], overwritten; nil where only `saved` is wanted, which costs a product less.
  package func forward(_ x: Tensor, out y: Tensor?, saved: Saved, pass: Pass) {
    attention.forward(x, out: saved.middle, saved: saved.attention, pass: pass)
    feedForward.forward(
      saved.middle, out: y, saved: saved.feedForward, pass: pass.withoutSelection)
  }

  /// Makes the gradient of the input of that of the output, and adds to the adapters' gradients.
  ///
  /// - Parameters:
  ///   - gradient: dy, float32 [L, D]; means nothing afterwards unless it is dx.
  ///   - x: The input of `forward`, float32 [T, D].
  ///   - dX: float32 [T, D], overwritten: `gradient` itself, or another where tokens are selected; nil
  ///     for the lowest layer that is trained.
  package func backward(
    gradient: Tensor, x: Tensor, saved: Saved, into dX: Tensor?, pass: Pass
  ) {
    feedForward.backward(
      gradient: gradient, x: saved.middle, saved: saved.feedForward, into: gradient,
      pass: pass.withoutSelection)
    attention.backward(
      gradient: gradient, x: x, saved: saved.attention, into: dX, pass: pass)
  }
}

extension BlockSpecification {
  /// Bytes of `DecoderLayer.Saved`, without the adapters' part, where `outputs` tokens come out.
  func savedBytes(tokens: Int, outputs: Int, activations: DataType) -> Int {
    attention.savedBytes(tokens: tokens, outputs: outputs, activations: activations)
      + attentionNorms.savedBytes(tokens: tokens, outputs: outputs)
      + feedForward.savedBytes(tokens: outputs, activations: activations)
      + feedForwardNorms.savedBytes(tokens: outputs, outputs: outputs)
      + outputs * attentionNorms.input.weight.count * 4
  }

  /// Bytes that `DecoderLayer.backward` works in: its branches take turns.
  func backwardBytes(tokens: Int, outputs: Int, activations: DataType) -> Int {
    max(
      attentionNorms.backwardBytes(tokens: tokens, outputs: outputs, activations: activations)
        + attention.backwardBytes(tokens: tokens, outputs: outputs, activations: activations),
      feedForwardNorms.backwardBytes(tokens: outputs, outputs: outputs, activations: activations)
        + feedForward.backwardBytes(tokens: outputs, activations: activations))
  }
}
