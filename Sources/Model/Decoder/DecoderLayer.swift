package import Tensors

/// One pre-norm transformer layer.
///
///     m = x + attention(norm₁(x))        y = m + feedForward(norm₂(m))
///
/// x, m and y, the residual stream, are float32 also where activations are bfloat16: rounding it after
/// every layer would cost more exactness than all else.
package struct DecoderLayer {
  package var attention: SelfAttention
  package var feedForward: FeedForward
  package let attentionNorm: RMSNorm
  package let feedForwardNorm: RMSNorm

  /// What `backward` needs besides the layer's input x.
  package struct Saved {
    let attention: SelfAttention.Saved
    let feedForward: FeedForward.Saved
    let middle: Tensor  // m, [T, D]
    let attentionInverseRMS: Tensor  // [T]
    let feedForwardInverseRMS: Tensor  // [T]
  }

  package func makeSaved(tokens: Int, pass: Pass) -> Saved {
    let workspace = pass.workspace
    return Saved(
      attention: attention.makeSaved(tokens: tokens, pass: pass),
      feedForward: feedForward.makeSaved(tokens: tokens, pass: pass),
      middle: workspace.tensor([tokens, attention.output.weight.outputs]),
      attentionInverseRMS: workspace.tensor([tokens]),
      feedForwardInverseRMS: workspace.tensor([tokens]))
  }

  /// - Parameters:
  ///   - x: [T, D]
  ///   - y: [T, D], overwritten; nil where only `saved` is wanted, which costs a product less.
  package func forward(_ x: Tensor, out y: Tensor?, saved: Saved, pass: Pass) {
    let workspace = pass.workspace
    workspace.scope {
      let normalized = pass.activation(x.shape)
      attentionNorm.forward(x, out: normalized, inverseRMS: saved.attentionInverseRMS)
      attention.forward(
        normalized, residual: x, out: saved.middle, saved: saved.attention, pass: pass)
      feedForwardNorm.forward(
        saved.middle, out: normalized, inverseRMS: saved.feedForwardInverseRMS)
      feedForward.forward(
        normalized, residual: saved.middle, out: y, saved: saved.feedForward, pass: pass)
    }
  }

  /// Turns the gradient of the output into the gradient of the input, in place, and adds to the
  /// adapters' gradients.
  ///
  /// - Parameters:
  ///   - gradient: dy on entry, dx on exit, [T, D].
  ///   - x: The input of `forward`, [T, D].
  ///   - needsInputGradient: False for the lowest layer that is trained: dx is then not made.
  package func backward(
    gradient: Tensor, x: Tensor, saved: Saved, needsInputGradient: Bool, pass: Pass
  ) {
    let workspace = pass.workspace
    workspace.scope {
      let normalized = pass.activation(x.shape)
      let dNormalized = pass.activation(x.shape)
      feedForwardNorm.forward(
        saved.middle, out: normalized, inverseRMS: saved.feedForwardInverseRMS)
      workspace.scope {
        feedForward.backward(
          dOut: pass.activation(of: gradient), x: normalized, saved: saved.feedForward,
          into: dNormalized, pass: pass)
      }
      feedForwardNorm.backward(
        dOut: dNormalized, x: saved.middle, inverseRMS: saved.feedForwardInverseRMS,
        into: gradient)

      attentionNorm.forward(x, out: normalized, inverseRMS: saved.attentionInverseRMS)
      attention.backward(
        dOut: pass.activation(of: gradient), x: normalized, saved: saved.attention,
        into: needsInputGradient ? dNormalized : nil, pass: pass)
      guard needsInputGradient else { return }
      attentionNorm.backward(
        dOut: dNormalized, x: x, inverseRMS: saved.attentionInverseRMS, into: gradient)
    }
  }

  /// Generation: like `forward` for the new tokens, with the past in `cache`.
  package func decode(_ x: Tensor, out y: Tensor, cache: KeyValueCache, layer: Int, pass: Pass) {
    let workspace = pass.workspace
    workspace.scope {
      let tokens = x.shape[0]
      let normalized = pass.activation(x.shape)
      let middle = workspace.tensor(x.shape)
      let inverseRMS = workspace.tensor([tokens])
      attentionNorm.forward(x, out: normalized, inverseRMS: inverseRMS)
      attention.decode(
        normalized, residual: x, out: middle, cache: cache, layer: layer, pass: pass)
      feedForwardNorm.forward(middle, out: normalized, inverseRMS: inverseRMS)
      let saved = feedForward.makeSaved(tokens: tokens, pass: pass)
      feedForward.forward(normalized, residual: middle, out: y, saved: saved, pass: pass)
    }
  }
}
