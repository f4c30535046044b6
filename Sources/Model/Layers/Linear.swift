package import Tensors

/// A frozen linear layer. An adapter, where the pass has one for it, adds to its output.
///
///     y = x W' + b (+ adapter) (+ residual)        dx = dy W (+ adapter)
///
/// How W is stored (float32, bfloat16, NF4) is the matter of `BaseWeight`, not of this layer.
package struct Linear {
  package let site: Site
  package let weight: BaseWeight  // [N, K]
  package let bias: Tensor?  // float32 [N]

  package init(site: Site, weight: BaseWeight, bias: Tensor? = nil) {
    self.site = site
    self.weight = weight
    self.bias = bias
  }

  /// What `backward` needs besides the input; nothing without an adapter.
  package typealias Saved = (any LinearAdapterPass)?

  package func makeSaved(tokens: Int, pass: Pass) -> Saved {
    pass.adapters?[site]?.begin(tokens: tokens, pass: pass)
  }

  /// - Parameters:
  ///   - x: [T, K]
  ///   - y: [T, N], overwritten.
  ///   - residual: float32 [T, N], added to the result where `y` is part of the residual stream.
  package func forward(
    _ x: Tensor, out y: Tensor, residual: Tensor? = nil, saved: Saved, workspace: Workspace
  ) {
    Kernels.linearForward(
      x: x, weight: weight, bias: bias, lowRank: saved?.forward(x), residual: residual, out: y,
      workspace: workspace)
  }

  /// Only what `forward` leaves in `saved`.
  package func recompute(_ x: Tensor, saved: Saved) { _ = saved?.forward(x) }

  /// One of the layers that share an input, in the backward pass.
  package struct Branch {
    let linear: Linear
    let dOut: Tensor  // [T, N]
    let saved: Saved

    package init(linear: Linear, dOut: Tensor, saved: Saved) {
      self.linear = linear
      self.dOut = dOut
      self.saved = saved
    }
  }

  /// Adds to the adapters' gradients and writes `dX` [T, K], the sum over all branches; nil where
  /// the input needs no gradient.
  package static func backward(
    _ branches: [Branch], x: Tensor, into dX: Tensor?, workspace: Workspace
  ) {
    workspace.scope {
      let terms = branches.map { branch in
        LinearGradientTerm(
          dOut: branch.dOut, weight: branch.linear.weight,
          lowRank: branch.saved?.backward(dOut: branch.dOut, x: x))
      }
      guard let dX else { return }
      Kernels.linearBackward(terms, into: dX, workspace: workspace)
      for branch in branches { branch.saved?.addInputGradient(to: dX) }
    }
  }
}
