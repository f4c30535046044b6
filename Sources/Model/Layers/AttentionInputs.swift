package import Tensors

/// The layers that make queries, keys and values: three, or one whose rows are the heads of all.
package enum AttentionInputs {
  /// [H·E, D], [G·E, D], [G·E, D]
  case separate(query: Linear, key: Linear, value: Linear)
  /// [(H + 2G)·E, D]
  case fused(Linear, FusedHeads)

  package enum Saved {
    case separate(query: Linear.Saved, key: Linear.Saved, value: Linear.Saved)
    case fused(Linear.Saved)
  }

  package func makeSaved(tokens: Int, pass: Pass) -> Saved {
    switch self {
    case .separate(let query, let key, let value):
      .separate(
        query: query.makeSaved(tokens: pass.outputs(of: tokens), pass: pass),
        key: key.makeSaved(tokens: tokens, pass: pass),
        value: value.makeSaved(tokens: tokens, pass: pass))
    case .fused(let linear, _): .fused(linear.makeSaved(tokens: tokens, pass: pass))
    }
  }

  /// - Parameters:
  ///   - x: [T, D]
  ///   - q: [L, H·E], of the tokens that the pass selects; overwritten, and so are the others.
  ///   - k: [T, G·E]
  ///   - v: [T, G·E]
  package func forward(_ x: Tensor, q: Tensor, k: Tensor, v: Tensor, saved: Saved, pass: Pass) {
    let workspace = pass.workspace
    workspace.scope {
      switch (self, saved) {
      case (.separate(let query, let key, let value), .separate(let forQ, let forK, let forV)):
        query.forward(pass.selected(x), out: q, saved: forQ, workspace: workspace)
        key.forward(x, out: k, saved: forK, workspace: workspace)
        value.forward(x, out: v, saved: forV, workspace: workspace)
      case (.fused(let linear, let heads), .fused(let saved)):
        let all = workspace.tensor([x.shape[0], linear.weight.outputs], q.dataType)
        linear.forward(x, out: all, saved: saved, workspace: workspace)
        Kernels.gatherColumns(all, blocks: heads.keys, out: k)
        Kernels.gatherColumns(all, blocks: heads.values, out: v)
        Kernels.gatherColumns(pass.selected(all), blocks: heads.queries, out: q)
      default: preconditionFailure("saved by other layers")
      }
    }
  }

  /// Adds to the adapters' gradients and writes `dX` [T, D]; nil where the input needs no gradient.
  ///
  /// - Parameters:
  ///   - dQ: [L, H·E]
  ///   - dK: [T, G·E]
  ///   - dV: [T, G·E]
  ///   - x: The input of `forward`.
  package func backward(
    dQ: Tensor, dK: Tensor, dV: Tensor, x: Tensor, saved: Saved, into dX: Tensor?, pass: Pass
  ) {
    let workspace = pass.workspace
    switch (self, saved) {
    case (.separate(let query, let key, let value), .separate(let forQ, let forK, let forV)):
      let queries = Linear.Branch(linear: query, dOut: dQ, saved: forQ)
      let others = [
        Linear.Branch(linear: key, dOut: dK, saved: forK),
        Linear.Branch(linear: value, dOut: dV, saved: forV),
      ]
      guard let selection = pass.selection else {
        Linear.backward([queries] + others, x: x, into: dX, workspace: workspace)
        return
      }
      Linear.backward(others, x: x, into: dX, workspace: workspace)
      let selected = pass.selected(x)
      let dSelected = dX.map { _ in pass.activation(selected.shape) }
      Linear.backward([queries], x: selected, into: dSelected, workspace: workspace)
      if let dX, let dSelected {
        Kernels.addRows(dSelected, places: selection.places, into: dX)
      }
    case (.fused(let linear, let heads), .fused(let saved)):
      let all = pass.activation([x.shape[0], linear.weight.outputs])
      Kernels.scatterColumns(pass.spread(dQ), blocks: heads.queries, out: all)
      Kernels.scatterColumns(dK, blocks: heads.keys, out: all)
      Kernels.scatterColumns(dV, blocks: heads.values, out: all)
      Linear.backward(
        [Linear.Branch(linear: linear, dOut: all, saved: saved)], x: x, into: dX,
        workspace: workspace)
    default: preconditionFailure("saved by other layers")
    }
  }
}

extension AttentionSpecification {
  /// Bytes that `AttentionInputs.backward` works in: the gradient of a fused layer; and that of the
  /// queries among all tokens.
  func inputsBackwardBytes(tokens: Int, outputs: Int, activations: DataType) -> Int {
    guard case .fused = inputs else { return 0 }
    let spread = outputs == tokens ? 0 : tokens * queries
    return (tokens * (queries + 2 * keys) + spread) * activations.size
  }
}
