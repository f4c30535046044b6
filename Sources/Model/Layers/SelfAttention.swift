package import Tensors

/// Causal self-attention with grouped key/value heads (Ainslie et al. 2023, arXiv:2305.13245)
/// and rotary positions.
///
///     o = softmax(q k' / sqrt(E) + causal mask) v        y = o W_o'
///
/// Each sequence of the flat batch sees itself only. Scores are never kept: backward makes them
/// again from q, k and the log-sum-exp of each row (Dao et al. 2022, arXiv:2205.14135).
package struct SelfAttention {
  package var query: Linear  // [H·E, D]
  package var key: Linear  // [G·E, D]
  package var value: Linear  // [G·E, D]
  package var output: Linear  // [D, H·E]
  package let rotary: RotaryEmbedding
  package let heads: Int
  package let kvHeads: Int

  /// What `backward` needs; per token 2·H·E + 2·G·E activations, H floats and the adapters' ranks.
  package struct Saved {
    let q: Tensor  // [T, H·E], rotated
    let k: Tensor  // [T, G·E], rotated
    let v: Tensor  // [T, G·E]
    let o: Tensor  // [T, H·E]
    let logSumExp: Tensor  // [T, H]
    let projections: (q: Linear.Saved, k: Linear.Saved, v: Linear.Saved, o: Linear.Saved)
  }

  package func makeSaved(tokens: Int, pass: Pass) -> Saved {
    let workspace = pass.workspace
    return Saved(
      q: pass.activation([tokens, query.weight.outputs]),
      k: pass.activation([tokens, key.weight.outputs]),
      v: pass.activation([tokens, value.weight.outputs]),
      o: pass.activation([tokens, query.weight.outputs]),
      logSumExp: workspace.tensor([tokens, heads]),
      projections: (
        query.makeSaved(tokens: tokens, pass: pass), key.makeSaved(tokens: tokens, pass: pass),
        value.makeSaved(tokens: tokens, pass: pass), output.makeSaved(tokens: tokens, pass: pass)
      ))
  }

  /// - Parameters:
  ///   - x: [T, D], normalized.
  ///   - residual: float32 [T, D], added to the result.
  ///   - y: float32 [T, D], overwritten.
  package func forward(_ x: Tensor, residual: Tensor, out y: Tensor, saved: Saved, pass: Pass) {
    let (workspace, projections) = (pass.workspace, saved.projections)
    query.forward(x, out: saved.q, saved: projections.q, workspace: workspace)
    key.forward(x, out: saved.k, saved: projections.k, workspace: workspace)
    value.forward(x, out: saved.v, saved: projections.v, workspace: workspace)
    rotary.rotate(saved.q, positions: pass.positions)
    rotary.rotate(saved.k, positions: pass.positions)
    Kernels.attentionForward(
      q: saved.q, k: saved.k, v: saved.v, segments: pass.segments, heads: heads, kvHeads: kvHeads,
      out: saved.o, logSumExp: saved.logSumExp, workspace: workspace)
    output.forward(
      saved.o, out: y, residual: residual, saved: projections.o, workspace: workspace)
  }

  /// Adds to the adapters' gradients and writes `dX` [T, D]; nil where the input needs no gradient.
  ///
  /// - Parameter x: The input of `forward`.
  package func backward(dOut: Tensor, x: Tensor, saved: Saved, into dX: Tensor?, pass: Pass) {
    let (workspace, projections) = (pass.workspace, saved.projections)
    workspace.scope {
      let dO = pass.activation(saved.o.shape)
      Linear.backward(
        [Linear.Branch(linear: output, dOut: dOut, saved: projections.o)], x: saved.o, into: dO,
        workspace: workspace)
      let dQ = pass.activation(saved.q.shape)
      let dK = pass.activation(saved.k.shape)
      let dV = pass.activation(saved.v.shape)
      Kernels.attentionBackward(
        dOut: dO, q: saved.q, k: saved.k, v: saved.v, out: saved.o, logSumExp: saved.logSumExp,
        segments: pass.segments, heads: heads, kvHeads: kvHeads, dQ: dQ, dK: dK, dV: dV,
        workspace: workspace)
      rotary.rotate(dQ, positions: pass.positions, inverse: true)
      rotary.rotate(dK, positions: pass.positions, inverse: true)
      Linear.backward(
        [
          Linear.Branch(linear: query, dOut: dQ, saved: projections.q),
          Linear.Branch(linear: key, dOut: dK, saved: projections.k),
          Linear.Branch(linear: value, dOut: dV, saved: projections.v),
        ], x: x, into: dX, workspace: workspace)
    }
  }

  /// Generation: the new tokens' keys and values join the cache; the queries see all of it.
  /// Attention itself is in float32 here: it is little work, and exact.
  ///
  /// - Parameters:
  ///   - x: [new tokens, D], normalized.
  ///   - residual: float32 [new tokens, D], added to the result.
  ///   - y: float32 [new tokens, D], overwritten.
  package func decode(
    _ x: Tensor, residual: Tensor, out y: Tensor, cache: KeyValueCache, layer: Int, pass: Pass
  ) {
    let (tokens, workspace) = (x.shape[0], pass.workspace)
    workspace.scope {
      let q = workspace.tensor([tokens, query.weight.outputs])
      let o = workspace.tensor(q.shape)
      let (k, v) = cache.newRows(layer: layer, count: tokens)
      for (projection, out) in [(query, q), (key, k), (value, v)] {
        let saved = projection.makeSaved(tokens: tokens, pass: pass)
        projection.forward(x, out: out, saved: saved, workspace: workspace)
      }
      rotary.rotate(q, positions: pass.positions)
      rotary.rotate(k, positions: pass.positions)
      let (keys, values) = cache.allRows(layer: layer, adding: tokens)
      Kernels.attentionDecode(
        q: q, keys: keys, values: values, pastCount: cache.count, heads: heads, kvHeads: kvHeads,
        out: o, workspace: workspace)
      let saved = output.makeSaved(tokens: tokens, pass: pass)
      output.forward(
        pass.activation(of: o), out: y, residual: residual, saved: saved, workspace: workspace)
    }
  }
}
