extension Kernels {
  package static func rope(
    x: Tensor, positions: Tensor, cos: Tensor, sin: Tensor, headDimension: Int, inverse: Bool
  ) {
    fatalError("not built yet")
  }

  package static func attentionForward(
    q: Tensor, k: Tensor, v: Tensor, segments: Tensor, heads: Int, kvHeads: Int,
    out: Tensor, logSumExp: Tensor, workspace: Workspace
  ) {
    fatalError("not built yet")
  }

  package static func attentionBackward(
    dOut: Tensor, q: Tensor, k: Tensor, v: Tensor, out: Tensor, logSumExp: Tensor,
    segments: Tensor, heads: Int, kvHeads: Int,
    dQ: Tensor, dK: Tensor, dV: Tensor, workspace: Workspace
  ) {
    fatalError("not built yet")
  }

  package static func attentionDecode(
    q: Tensor, keys: Tensor, values: Tensor, pastCount: Int, heads: Int, kvHeads: Int,
    out: Tensor, workspace: Workspace
  ) {
    fatalError("not built yet")
  }
}
