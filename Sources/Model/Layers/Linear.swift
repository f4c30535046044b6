package import Tensors

/// A frozen linear layer without bias, and its adapter if it has one.
///
///     y = x W' (+ adapter) (+ residual)        dx = dy W (+ adapter)
///
/// How W is stored (float32, bfloat16, NF4) is the matter of `BaseWeight`, not of this layer.
package struct Linear {
  /// The Hugging Face module path, e.g. `model.layers.0.self_attn.q_proj`.
  package let name: String
  package let weight: BaseWeight  // [N, K]
  package var adapter: LoRA?

  package init(name: String, weight: BaseWeight, adapter: LoRA? = nil) {
    self.name = name
    self.weight = weight
    self.adapter = adapter
  }

  /// What `backward` needs besides the input; nothing without an adapter.
  package typealias Saved = LoRA.Saved?

  package func makeSaved(tokens: Int, pass: Pass) -> Saved {
    adapter?.makeSaved(tokens: tokens, pass: pass)
  }

  /// - Parameters:
  ///   - x: [T, K]
  ///   - y: [T, N], overwritten.
  ///   - residual: float32 [T, N], added to the result where `y` is part of the residual stream.
  package func forward(
    _ x: Tensor, out y: Tensor, residual: Tensor? = nil, saved: Saved, workspace: Workspace
  ) {
    let lowRank: LowRankTerm? =
      if let adapter, let saved {
        adapter.forward(x, saved: saved, workspace: workspace)
      } else { nil }
    Kernels.linearForward(
      x: x, weight: weight, lowRank: lowRank, residual: residual, out: y, workspace: workspace)
  }

  /// Only what `forward` leaves in `saved`.
  package func recompute(_ x: Tensor, saved: Saved, workspace: Workspace) {
    guard let adapter, let saved else { return }
    _ = adapter.forward(x, saved: saved, workspace: workspace)
  }

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
      var dropped: [(adapter: LoRA, v: Tensor, saved: LoRA.Saved)] = []
      let terms = branches.map { branch in
        var lowRank: LowRankTerm?
        if let adapter = branch.linear.adapter, let saved = branch.saved {
          let v = workspace.tensor(saved.u.shape, saved.u.dataType)
          lowRank = adapter.backward(
            dOut: branch.dOut, x: x, saved: saved, v: v, workspace: workspace)
          if lowRank == nil { dropped.append((adapter, v, saved)) }
        }
        return LinearGradientTerm(
          dOut: branch.dOut, weight: branch.linear.weight, lowRank: lowRank)
      }
      guard let dX else { return }
      Kernels.linearBackward(terms, into: dX, workspace: workspace)
      for branch in dropped {
        branch.adapter.addDroppedGradient(
          v: branch.v, saved: branch.saved, into: dX, workspace: workspace)
      }
    }
  }
}
