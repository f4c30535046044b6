package import Tensors

/// One transformer layer: attention and feed-forward, each on a branch of the residual stream.
///
///     m = x + attention(norm(x))        y = m + feedForward(norm(m))       in sequence
///     m = x + attention(norm(x))        y = m + feedForward(norm(x))       in parallel
///
/// Where the pass selects L of the T tokens, as in the last layer, m and y are made for those alone.
package struct DecoderLayer {
  package let arrangement: BlockSpecification.Arrangement
  package let attention: Residual<SelfAttention>
  package let feedForward: Residual<FeedForward>

  /// What `backward` needs besides the layer's input x.
  package struct Saved {
    let attention: Residual<SelfAttention>.Saved
    let feedForward: Residual<FeedForward>.Saved
    /// m, float32 [L, D]; nil in parallel, where nothing is made of it.
    let middle: Tensor?
  }

  /// - Parameter width: D.
  package func makeSaved(tokens: Int, width: Int, pass: Pass) -> Saved {
    let outputs = pass.outputs(of: tokens)
    return Saved(
      attention: attention.makeSaved(tokens: tokens, width: width, pass: pass),
      feedForward: feedForward.makeSaved(
        tokens: outputs, width: width, pass: pass.withoutSelection),
      middle: arrangement == .sequential ? pass.workspace.tensor([outputs, width]) : nil)
  }

  /// - Parameters:
  ///   - x: float32 [T, D]
  ///   - y: float32 [L, D], overwritten; nil where only `saved` is wanted, which costs a product less.
  package func forward(_ x: Tensor, out y: Tensor?, saved: Saved, pass: Pass) {
    guard let middle = saved.middle else {
      attention.forward(x, out: y, saved: saved.attention, pass: pass)
      pass.workspace.scope {
        feedForward.forward(
          pass.selected(x), residual: y, out: y, saved: saved.feedForward,
          pass: pass.withoutSelection)
      }
      return
    }
    attention.forward(x, out: middle, saved: saved.attention, pass: pass)
    feedForward.forward(middle, out: y, saved: saved.feedForward, pass: pass.withoutSelection)
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
    guard let middle = saved.middle else {
      parallelBackward(gradient: gradient, x: x, saved: saved, into: dX, pass: pass)
      return
    }
    feedForward.backward(
      gradient: gradient, x: middle, saved: saved.feedForward, into: gradient,
      pass: pass.withoutSelection)
    attention.backward(
      gradient: gradient, x: x, saved: saved.attention, into: dX, pass: pass)
  }

  /// Both branches have the gradient of the output; only then is theirs added to it.
  private func parallelBackward(
    gradient: Tensor, x: Tensor, saved: Saved, into dX: Tensor?, pass: Pass
  ) {
    pass.workspace.scope {
      let selected = pass.selected(x)
      let forAttention = dX.map { _ in pass.activation(x.shape) }
      let forFeedForward = dX.map { _ in pass.activation(selected.shape) }
      attention.backwardOfBranch(
        gradient: gradient, x: x, saved: saved.attention, into: forAttention, pass: pass)
      feedForward.backwardOfBranch(
        gradient: gradient, x: selected, saved: saved.feedForward, into: forFeedForward,
        pass: pass.withoutSelection)
      guard let dX, let forAttention, let forFeedForward else { return }
      feedForward.addInputGradient(
        forFeedForward, x: selected, saved: saved.feedForward, to: gradient)
      if let selection = pass.selection {
        Kernels.scatterRows(gradient, places: selection.places, out: dX)
      }
      attention.addInputGradient(forAttention, x: x, saved: saved.attention, to: dX)
    }
  }
}

extension BlockSpecification {
  /// Bytes of `DecoderLayer.Saved`, without the adapters' part, where `outputs` tokens come out of rows
  /// of `width`.
  func savedBytes(tokens: Int, outputs: Int, width: Int, activations: DataType) -> Int {
    attention.savedBytes(tokens: tokens, outputs: outputs, activations: activations)
      + attentionNorms.savedBytes(tokens: tokens, outputs: outputs, width: width)
      + feedForward.savedBytes(tokens: outputs, activations: activations)
      + feedForwardNorms.savedBytes(tokens: outputs, outputs: outputs, width: width)
      + (arrangement == .sequential ? outputs * width * 4 : 0)
  }

  /// Bytes that `DecoderLayer.backward` works in: its branches take turns. In parallel the gradients of
  /// both norms wait for each other, beside a copy of the tokens that are selected.
  func backwardBytes(tokens: Int, outputs: Int, width: Int, activations: DataType) -> Int {
    let branches = max(
      attentionNorms.backwardBytes(
        tokens: tokens, outputs: outputs, width: width, activations: activations)
        + attention.backwardBytes(tokens: tokens, outputs: outputs, activations: activations),
      feedForwardNorms.backwardBytes(
        tokens: outputs, outputs: outputs, width: width, activations: activations)
        + feedForward.backwardBytes(
          tokens: outputs, hiddenSize: width, activations: activations))
    guard arrangement == .parallel else { return branches }
    let copy = outputs == tokens ? 0 : outputs * width * 4
    return branches + (tokens + outputs) * width * activations.size + copy
  }
}
