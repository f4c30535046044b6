package import Tensors

/// Causal self-attention with grouped key/value heads (Ainslie et al. 2023, arXiv:2305.13245)
/// and rotary positions.
///
///     o = softmax(cap(scale · q k') + causal mask) v        y = o W_o'
///
/// Each sequence of the flat batch sees itself only. Scores are never kept: backward makes them
/// again from q, k and the log-sum-exp of each row (Dao et al. 2022, arXiv:2205.14135).
///
/// Where the pass selects L of the T tokens, only they have queries and results. Attention itself sees
/// zeros as the queries of the others; nobody reads what comes of them, and its gradient is zero.
package struct SelfAttention: ResidualBranch {
  package let query: Linear  // [H·E, D]
  package let key: Linear  // [G·E, D]
  package let value: Linear  // [G·E, D]
  package let output: Linear  // [D, H·E]
  /// Norms of single heads before rotation.
  package let headNorms: (query: RMSNorm, key: RMSNorm)?
  package let rotary: RotaryEmbedding
  package let shape: AttentionShape
  /// Its place in the decoder, which is also its place in a cache.
  package let layer: Int

  /// What `backward` needs; per token 2·H·E + 2·G·E activations, H floats and what the adapters keep.
  package struct Saved {
    /// [L, H·E], rotated; where heads are normalized, as they were before: norm and rotation are cheap
    /// and made again.
    let q: Tensor
    let k: Tensor  // [T, G·E], as q
    let v: Tensor  // [T, G·E]
    let o: Tensor  // [T, H·E]
    let headScales: HeadScales?
    /// [T, H]; nothing in generation.
    let logSumExp: Tensor?
    /// In generation: the cache's rows for the normalized keys.
    let cachedKeys: Tensor?
    let projections: (q: Linear.Saved, k: Linear.Saved, v: Linear.Saved, o: Linear.Saved)

    /// The factors s of the norms of single heads.
    struct HeadScales {
      let q: Tensor  // [L·H]
      let k: Tensor  // [T·G]
    }
  }

  package func makeSaved(tokens: Int, pass: Pass) -> Saved {
    let workspace = pass.workspace
    let (queries, keys) = (query.weight.outputs, key.weight.outputs)
    let outputs = pass.outputs(of: tokens)
    let rows = pass.cache?.newRows(layer: layer, count: tokens)
    // In generation attention is in float32: it is little work, and exact.
    let type = pass.cache == nil ? pass.activations : .float32
    let headScales = headNorms.map { _ in
      Saved.HeadScales(
        q: workspace.tensor([outputs * shape.heads]), k: workspace.tensor([tokens * shape.kvHeads]))
    }
    let keysInPlace = headNorms == nil ? rows?.keys : nil
    return Saved(
      q: workspace.tensor([outputs, queries], type),
      k: keysInPlace ?? workspace.tensor([tokens, keys], type),
      v: rows?.values ?? workspace.tensor([tokens, keys], type),
      o: workspace.tensor([tokens, queries], type), headScales: headScales,
      logSumExp: pass.cache == nil ? workspace.tensor([tokens, shape.heads]) : nil,
      cachedKeys: rows?.keys,
      projections: (
        query.makeSaved(tokens: outputs, pass: pass), key.makeSaved(tokens: tokens, pass: pass),
        value.makeSaved(tokens: tokens, pass: pass), output.makeSaved(tokens: outputs, pass: pass)
      ))
  }

  package func forward(
    _ x: Tensor, residual: Tensor?, out y: Tensor?, saved: Saved, pass: Pass
  ) {
    let (workspace, projections) = (pass.workspace, saved.projections)
    workspace.scope {
      query.forward(
        pass.selected(x), out: saved.q, saved: projections.q, workspace: workspace)
    }
    key.forward(x, out: saved.k, saved: projections.k, workspace: workspace)
    value.forward(x, out: saved.v, saved: projections.v, workspace: workspace)
    if headNorms == nil {
      rotary.rotate(saved.q, positions: queryPositions(pass))
      rotary.rotate(saved.k, positions: pass.positions)
    }
    workspace.scope {
      attend(saved, pass: pass)
      let o = pass.selected(pass.activation(of: saved.o))
      if let y {
        output.forward(
          o, out: y, residual: residual, saved: projections.o, workspace: workspace)
      } else {
        output.recompute(o, saved: projections.o)
      }
    }
  }

  private func queryPositions(_ pass: Pass) -> Tensor {
    pass.selection?.positions ?? pass.positions
  }

  /// softmax(scores) v into `saved.o`.
  private func attend(_ saved: Saved, pass: Pass) {
    let (q, k) = attended(saved, pass: pass)
    if let cache = pass.cache {
      let (keys, values) = cache.allRows(layer: layer, adding: q.shape[0])
      Kernels.attentionDecode(
        q: q, keys: keys, values: values, pastCount: cache.count, shape: shape, out: saved.o,
        workspace: pass.workspace)
    } else if let logSumExp = saved.logSumExp {
      Kernels.attentionForward(
        q: q, k: k, v: saved.v, segments: pass.segments, shape: shape, out: saved.o,
        logSumExp: logSumExp, workspace: pass.workspace)
    }
  }

  /// Queries and keys as attention sees them, of all tokens.
  private func attended(_ saved: Saved, pass: Pass) -> (q: Tensor, k: Tensor) {
    guard let headNorms, let scales = saved.headScales else {
      return (pass.spread(saved.q), saved.k)
    }
    let workspace = pass.workspace
    let q = workspace.tensor(saved.q.shape, saved.q.dataType)
    let k = saved.cachedKeys ?? workspace.tensor(saved.k.shape, saved.k.dataType)
    headNorms.query.forward(saved.q, out: q, inverseRMS: scales.q)
    headNorms.key.forward(saved.k, out: k, inverseRMS: scales.k)
    rotary.rotate(q, positions: queryPositions(pass))
    rotary.rotate(k, positions: pass.positions)
    return (pass.spread(q), k)
  }

  package func backward(dOut: Tensor, x: Tensor, saved: Saved, into dX: Tensor?, pass: Pass) {
    let (workspace, projections) = (pass.workspace, saved.projections)
    guard let logSumExp = saved.logSumExp else {
      preconditionFailure("no backward pass in generation")
    }
    workspace.scope {
      let dO = pass.activation(saved.o.shape)
      backwardOfOutput(dOut: dOut, saved: saved, into: dO, pass: pass)
      let dQ = pass.activation(saved.q.shape)
      let dK = pass.activation(saved.k.shape)
      let dV = pass.activation(saved.v.shape)
      workspace.scope {
        let (q, k) = attended(saved, pass: pass)
        let dQueries = pass.selection == nil ? dQ : pass.activation(saved.o.shape)
        Kernels.attentionBackward(
          dOut: dO, q: q, k: k, v: saved.v, out: saved.o, logSumExp: logSumExp,
          segments: pass.segments, shape: shape, dQ: dQueries, dK: dK, dV: dV,
          workspace: workspace)
        if let selection = pass.selection {
          Kernels.gatherRows(dQueries, places: selection.places, out: dQ)
        }
      }
      rotary.rotate(dQ, positions: queryPositions(pass), inverse: true)
      rotary.rotate(dK, positions: pass.positions, inverse: true)
      if let headNorms, let scales = saved.headScales {
        headNorms.query.backward(
          dOut: dQ, x: saved.q, inverseRMS: scales.q, into: dQ, accumulating: false)
        headNorms.key.backward(
          dOut: dK, x: saved.k, inverseRMS: scales.k, into: dK, accumulating: false)
      }
      let queries = Linear.Branch(linear: query, dOut: dQ, saved: projections.q)
      let others = [
        Linear.Branch(linear: key, dOut: dK, saved: projections.k),
        Linear.Branch(linear: value, dOut: dV, saved: projections.v),
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
    }
  }

  /// The gradient of `saved.o` [T, H·E] into `dO`.
  private func backwardOfOutput(dOut: Tensor, saved: Saved, into dO: Tensor, pass: Pass) {
    let workspace = pass.workspace
    let branch = Linear.Branch(linear: output, dOut: dOut, saved: saved.projections.o)
    guard let selection = pass.selection else {
      Linear.backward([branch], x: saved.o, into: dO, workspace: workspace)
      return
    }
    workspace.scope {
      let o = pass.selected(saved.o)
      let dSelected = pass.activation(o.shape)
      Linear.backward([branch], x: o, into: dSelected, workspace: workspace)
      Kernels.scatterRows(dSelected, places: selection.places, out: dO)
    }
  }
}

extension AttentionSpecification {
  private var queries: Int { query.weight.outputs }
  private var keys: Int { key.weight.outputs }

  /// Bytes of `SelfAttention.Saved`, without the adapters' part.
  func savedBytes(tokens: Int, outputs: Int, activations: DataType) -> Int {
    let scales =
      headNorms == nil ? 0 : outputs * shape.heads + tokens * shape.kvHeads
    return (tokens * (queries + 2 * keys) + outputs * queries) * activations.size
      + (tokens * shape.heads + scales) * 4
  }

  /// Bytes that `SelfAttention.backward` works in: dO, dQ, dK, dV, normalized heads made again, and the
  /// kernel's scratch; queries and dQ twice where only `outputs` tokens have them. With many threads the
  /// scratch of the forward pass is more, which has it beside less.
  func backwardBytes(tokens: Int, outputs: Int, activations: DataType) -> Int {
    let again = headNorms == nil ? 0 : outputs * queries + tokens * keys
    let spread = outputs == tokens ? 0 : 2 * tokens * queries
    return ((tokens + outputs) * queries + 2 * tokens * keys + again + spread) * activations.size
      + Kernels.attentionScratch(tokens: tokens, shape: shape, type: activations)
  }
}
