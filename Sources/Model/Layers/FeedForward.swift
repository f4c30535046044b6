package import Tensors

/// The feed-forward of a layer, of one kind or another.
package enum FeedForward: ResidualBranch {
  case gated(GatedFeedForward)
  case plain(PlainFeedForward)
  case experts(Experts)

  package enum Saved {
    case gated(GatedFeedForward.Saved)
    case plain(PlainFeedForward.Saved)
    case experts(Experts.Saved)
  }

  package func makeSaved(tokens: Int, pass: Pass) -> Saved {
    switch self {
    case .gated(let layer): .gated(layer.makeSaved(tokens: tokens, pass: pass))
    case .plain(let layer): .plain(layer.makeSaved(tokens: tokens, pass: pass))
    case .experts(let layer): .experts(layer.makeSaved(tokens: tokens, pass: pass))
    }
  }

  package func forward(
    _ x: Tensor, residual: Tensor?, out y: Tensor?, saved: Saved, pass: Pass
  ) {
    switch (self, saved) {
    case (.gated(let layer), .gated(let saved)):
      layer.forward(x, residual: residual, out: y, saved: saved, pass: pass)
    case (.plain(let layer), .plain(let saved)):
      layer.forward(x, residual: residual, out: y, saved: saved, pass: pass)
    case (.experts(let layer), .experts(let saved)):
      layer.forward(x, residual: residual, out: y, saved: saved, pass: pass)
    default: preconditionFailure("saved by another kind of feed-forward")
    }
  }

  package func backward(dOut: Tensor, x: Tensor, saved: Saved, into dX: Tensor?, pass: Pass) {
    switch (self, saved) {
    case (.gated(let layer), .gated(let saved)):
      layer.backward(dOut: dOut, x: x, saved: saved, into: dX, pass: pass)
    case (.plain(let layer), .plain(let saved)):
      layer.backward(dOut: dOut, x: x, saved: saved, into: dX, pass: pass)
    case (.experts(let layer), .experts(let saved)):
      layer.backward(dOut: dOut, x: x, saved: saved, into: dX, pass: pass)
    default: preconditionFailure("saved by another kind of feed-forward")
    }
  }
}

extension FeedForwardSpecification {
  /// Bytes of `FeedForward.Saved`, without the adapters' part.
  func savedBytes(tokens: Int, activations: DataType) -> Int {
    switch self {
    case .gated(let gated): gated.savedBytes(tokens: tokens, activations: activations)
    case .plain(let plain): plain.savedBytes(tokens: tokens, activations: activations)
    case .experts(let experts): experts.savedBytes(tokens: tokens, activations: activations)
    }
  }

  /// Bytes that `FeedForward.backward` works in.
  ///
  /// - Parameter hiddenSize: D.
  func backwardBytes(tokens: Int, hiddenSize: Int, activations: DataType) -> Int {
    switch self {
    case .gated(let gated): gated.backwardBytes(tokens: tokens, activations: activations)
    case .plain(let plain): plain.backwardBytes(tokens: tokens, activations: activations)
    case .experts(let experts):
      experts.backwardBytes(tokens: tokens, hiddenSize: hiddenSize, activations: activations)
    }
  }
}
