package import Tensors

/// Low-rank adapter of one linear layer (Hu et al. 2021, arXiv:2106.09685).
///
///     y += s · (drop(x) A') B',   s = alpha / r,  or alpha / sqrt(r) with rank-stabilized scaling
///
/// A [r, K] and B [N, r] are trained. Gradients, with U = drop(x) A' and V = s · dy B:
///
///     dB += s · dy' U      dA += V' drop(x)      dx += drop'(V A)
package final class LoRA {
  package let a: Parameter  // [r, K]
  package let b: Parameter  // [N, r]
  /// What s is made from.
  package let alpha: Double
  /// The factor s.
  package let scale: Float
  /// Probability that an input element of A is dropped in training.
  package let dropout: Double
  /// Place of its layer among the model's linear layers; part of the key of its dropout mask.
  let index: Int

  package init(
    a: Parameter, b: Parameter, alpha: Double, scale: Float, dropout: Double, index: Int
  ) {
    precondition(
      a.value.shape[0] == b.value.shape[1], "LoRA A \(a.value.shape), B \(b.value.shape)")
    self.a = a
    self.b = b
    self.alpha = alpha
    self.scale = scale
    self.dropout = dropout
    self.index = index
  }

  package var rank: Int { a.value.shape[0] }

  /// What `backward` needs besides the layer's input.
  package struct Saved {
    let u: Tensor  // [T, r], in bfloat16 with r made even
    let key: RandomKey?  // of the dropout mask; nil = nothing dropped
  }

  package func makeSaved(tokens: Int, pass: Pass) -> Saved {
    Saved(
      u: pass.activation([tokens, Kernels.lowRankWidth(rank, pass.activations)]),
      key: dropout > 0 ? pass.dropout?.key(layer: index) : nil)
  }

  /// Computes U for `x` [T, K] and returns the adapter's part of the layer's output.
  package func forward(_ x: Tensor, saved: Saved, workspace: Workspace) -> LowRankTerm {
    workspace.scope {
      Kernels.lowRankProject(
        x: dropped(x, key: saved.key, workspace: workspace), factor: a.value, transposed: true,
        scale: 1, out: saved.u, workspace: workspace)
    }
    return LowRankTerm(left: saved.u, factor: b.value, scale: scale)
  }

  /// Adds to the gradients of A and B; returns V A, the adapter's part of the input gradient, where
  /// dropout does not come before it.
  ///
  /// - Parameter v: [T, r], receives V.
  package func backward(
    dOut: Tensor, x: Tensor, saved: Saved, v: Tensor, workspace: Workspace
  ) -> LowRankTerm? {
    workspace.scope {
      Kernels.lowRankProject(
        x: dOut, factor: b.value, transposed: false, scale: scale, out: v, workspace: workspace)
      Kernels.lowRankGradient(
        left: saved.u, right: dOut, scale: scale, into: b.gradient, transposed: true,
        workspace: workspace)
      Kernels.lowRankGradient(
        left: v, right: dropped(x, key: saved.key, workspace: workspace), scale: 1,
        into: a.gradient, transposed: false, workspace: workspace)
    }
    return saved.key == nil ? LowRankTerm(left: v, factor: a.value, scale: 1) : nil
  }

  /// dX += drop'(V A), where the input was dropped; for what `backward` returned nothing.
  package func addDroppedGradient(v: Tensor, saved: Saved, into dX: Tensor, workspace: Workspace) {
    guard let key = saved.key else { return }
    workspace.scope {
      let dDropped = workspace.tensor(dX.shape, dX.dataType)
      Kernels.lowRankExpand(left: v, factor: a.value, out: dDropped, workspace: workspace)
      Kernels.dropoutBackward(dOut: dDropped, into: dX, probability: dropout, key: key)
    }
  }

  private func dropped(_ x: Tensor, key: RandomKey?, workspace: Workspace) -> Tensor {
    guard let key else { return x }
    let out = workspace.tensor(x.shape, x.dataType)
    Kernels.dropout(x: x, out: out, probability: dropout, key: key)
    return out
  }

  /// ΔW = s · B A, [N, K] float32: what merging adds to the base weight.
  package func delta(into out: Tensor, workspace: Workspace) {
    Kernels.matmul(
      a: b.value, b: a.value, out: out, transposeA: false, transposeB: false, alpha: scale,
      accumulate: true, workspace: workspace)
  }
}
