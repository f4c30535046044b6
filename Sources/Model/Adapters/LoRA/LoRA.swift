package import Tensors

/// Low-rank adapter of one linear layer (Hu et al. 2021, arXiv:2106.09685).
///
///     y += s · (drop(x) A') B',   s = alpha / r,  or alpha / sqrt(r) with rank-stabilized scaling
///
/// A [r, K] and B [N, r] are trained. Gradients, with U = drop(x) A' and V = s · dy B:
///
///     dB += s · dy' U      dA += V' drop(x)      dx += drop'(V A)
package final class LoRA: LinearAdapter {
  package let a: Parameter  // [r, K]
  package let b: Parameter  // [N, r]
  /// What s is made from.
  package let alpha: Double
  /// The factor s.
  package let scale: Float
  /// Probability that an input element of A is dropped in training.
  package let dropout: Double
  /// `Site.id` of its layer; names its dropout masks.
  let site: Int

  package init(
    a: Parameter, b: Parameter, alpha: Double, scale: Float, dropout: Double, site: Int
  ) {
    precondition(
      a.value.shape[0] == b.value.shape[1], "LoRA A \(a.value.shape), B \(b.value.shape)")
    self.a = a
    self.b = b
    self.alpha = alpha
    self.scale = scale
    self.dropout = dropout
    self.site = site
  }

  package var rank: Int { a.value.shape[0] }

  package var parameters: [Parameter] { [a, b] }

  package func begin(tokens: Int, pass: Pass) -> any LinearAdapterPass {
    LoRAPass(
      self, u: pass.activation([tokens, Kernels.lowRankWidth(rank, pass.activations)]),
      key: dropout > 0 ? pass.dropout?.key(site: site) : nil, workspace: pass.workspace)
  }

  /// W += s · B A
  package func merge(into weight: Tensor, workspace: Workspace) {
    Kernels.matmul(
      a: b.value, b: a.value, out: weight, transposeA: false, transposeB: false, alpha: scale,
      accumulate: true, workspace: workspace)
  }
}

private final class LoRAPass: LinearAdapterPass {
  private let lora: LoRA
  private let u: Tensor  // [T, r], in bfloat16 with r made even
  private let key: RandomKey?  // of the dropout mask; nil = nothing dropped
  private let workspace: Workspace
  private var v: Tensor?  // as u, between `backward` and `addInputGradient`

  init(_ lora: LoRA, u: Tensor, key: RandomKey?, workspace: Workspace) {
    self.lora = lora
    self.u = u
    self.key = key
    self.workspace = workspace
  }

  func forward(_ x: Tensor) -> LowRankTerm {
    workspace.scope {
      Kernels.lowRankProject(
        x: dropped(x), factor: lora.a.value, transposed: true, scale: 1, out: u,
        workspace: workspace)
    }
    return LowRankTerm(left: u, factor: lora.b.value, scale: lora.scale)
  }

  func backward(dOut: Tensor, x: Tensor) -> LowRankTerm? {
    let v = workspace.tensor(u.shape, u.dataType)
    workspace.scope {
      Kernels.lowRankProject(
        x: dOut, factor: lora.b.value, transposed: false, scale: lora.scale, out: v,
        workspace: workspace)
      Kernels.lowRankGradient(
        left: u, right: dOut, scale: lora.scale, into: lora.b.gradient, transposed: true,
        workspace: workspace)
      Kernels.lowRankGradient(
        left: v, right: dropped(x), scale: 1, into: lora.a.gradient, transposed: false,
        workspace: workspace)
    }
    guard key == nil else {
      self.v = v
      return nil
    }
    return LowRankTerm(left: v, factor: lora.a.value, scale: 1)
  }

  /// dX += drop'(V A): behind dropout V A is not a term of the layer's product.
  func addInputGradient(to dX: Tensor) {
    guard let key, let v else { return }
    workspace.scope {
      let dDropped = workspace.tensor(dX.shape, dX.dataType)
      Kernels.lowRankExpand(left: v, factor: lora.a.value, out: dDropped, workspace: workspace)
      Kernels.dropoutBackward(dOut: dDropped, into: dX, probability: lora.dropout, key: key)
    }
  }

  private func dropped(_ x: Tensor) -> Tensor {
    guard let key else { return x }
    let out = workspace.tensor(x.shape, x.dataType)
    Kernels.dropout(x: x, out: out, probability: lora.dropout, key: key)
    return out
  }
}
