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
  /// The factor s.
  package let scale: Float
  /// Probability that an input element of A is dropped in training.
  package let dropout: Double
  /// Position among the model's adapters; part of the key of its dropout mask.
  let index: Int

  package init(a: Parameter, b: Parameter, scale: Float, dropout: Double, index: Int) {
    precondition(
      a.value.shape[0] == b.value.shape[1], "LoRA A \(a.value.shape), B \(b.value.shape)")
    self.a = a
    self.b = b
    self.scale = scale
    self.dropout = dropout
    self.index = index
  }

  package var rank: Int { a.value.shape[0] }

  /// What `backward` needs besides the layer's input.
  package struct Saved {
    let u: Tensor  // [T, r]
    let key: RandomKey?  // of the dropout mask; nil = nothing dropped
  }

  package func makeSaved(tokens: Int, pass: Pass) -> Saved {
    Saved(
      u: pass.workspace.tensor([tokens, rank]),
      key: dropout > 0 ? pass.dropout?.key(layer: index) : nil)
  }

  /// Adds the adapter's output for `x` [T, K] to `y` [T, N].
  package func forward(_ x: Tensor, into y: Tensor, saved: Saved, workspace: Workspace) {
    workspace.scope {
      let dropped = self.dropped(x, key: saved.key, workspace: workspace)
      Kernels.matmul(
        a: dropped, b: a.value, out: saved.u, transposeA: false, transposeB: true, alpha: 1,
        accumulate: false, workspace: workspace)
      Kernels.matmul(
        a: saved.u, b: b.value, out: y, transposeA: false, transposeB: true, alpha: scale,
        accumulate: true, workspace: workspace)
    }
  }

  /// Adds to the gradients of A and B, and to `dX` [T, K] unless the input needs no gradient.
  package func backward(
    dOut: Tensor, x: Tensor, saved: Saved, into dX: Tensor?, workspace: Workspace
  ) {
    workspace.scope {
      let v = workspace.tensor([x.shape[0], rank])
      Kernels.matmul(
        a: dOut, b: b.value, out: v, transposeA: false, transposeB: false, alpha: scale,
        accumulate: false, workspace: workspace)
      Kernels.matmul(
        a: dOut, b: saved.u, out: b.gradient, transposeA: true, transposeB: false, alpha: scale,
        accumulate: true, workspace: workspace)
      let dropped = self.dropped(x, key: saved.key, workspace: workspace)
      Kernels.matmul(
        a: v, b: dropped, out: a.gradient, transposeA: true, transposeB: false, alpha: 1,
        accumulate: true, workspace: workspace)
      guard let dX else { return }
      if let key = saved.key {
        let dDropped = workspace.tensor(x.shape)
        Kernels.matmul(
          a: v, b: a.value, out: dDropped, transposeA: false, transposeB: false, alpha: 1,
          accumulate: false, workspace: workspace)
        Kernels.dropoutBackward(dOut: dDropped, into: dX, probability: dropout, key: key)
      } else {
        Kernels.matmul(
          a: v, b: a.value, out: dX, transposeA: false, transposeB: false, alpha: 1,
          accumulate: true, workspace: workspace)
      }
    }
  }

  private func dropped(_ x: Tensor, key: RandomKey?, workspace: Workspace) -> Tensor {
    guard let key else { return x }
    let out = workspace.tensor(x.shape)
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
