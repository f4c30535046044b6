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
  package let inputs: AttentionInputs
  package let output: Linear  // [D, H·E]
  /// Norms of queries and keys before rotation: of single heads, or of all heads together.
  package let norms: (query: Norm, key: Norm)?
  /// nil: positions do not matter here.
  package let rotary: RotaryEmbedding?
  package let shape: AttentionShape
  /// Its place in the decoder, which is also its place in a cache.
  package let layer: Int

  /// What `backward` needs; per token 2·H·E + 2·G·E activations, H floats and what the adapters keep.
  package struct Saved {
    /// [L, H·E], rotated; where there are norms, as they were before: norm and rotation are cheap
    /// and made again.
    let q: Tensor
    let k: Tensor  // [T, G·E], as q
    let v: Tensor  // [T, G·E]
    let o: Tensor  // [T, H·E]
    /// Of the norms' rows.
    let statistics: (q: Tensor, k: Tensor)?
    /// [T, H]; nothing in generation.
    let logSumExp: Tensor?
    /// In generation: the cache's rows for the normalized keys.
    let cachedKeys: Tensor?
    let inputs: AttentionInputs.Saved
    let output: Linear.Saved
  }

  private var queries: Int { shape.heads * shape.headDimension }
  private var keys: Int { shape.kvHeads * shape.headDimension }

  package func makeSaved(tokens: Int, pass: Pass) -> Saved {
    let workspace = pass.workspace
    let outputs = pass.outputs(of: tokens)
    let rows = pass.cache?.newRows(layer: layer, count: tokens)
    // In generation attention is in float32: it is little work, and exact.
    let type = pass.cache == nil ? pass.activations : .float32
    let statistics = norms.map { norms in
      (
        q: norms.query.makeStatistics(count: outputs * queries, workspace: workspace),
        k: norms.key.makeStatistics(count: tokens * keys, workspace: workspace)
      )
    }
    let keysInPlace = norms == nil ? rows?.keys : nil
    return Saved(
      q: workspace.tensor([outputs, queries], type),
      k: keysInPlace ?? workspace.tensor([tokens, keys], type),
      v: rows?.values ?? workspace.tensor([tokens, keys], type),
      o: workspace.tensor([tokens, queries], type), statistics: statistics,
      logSumExp: pass.cache == nil ? workspace.tensor([tokens, shape.heads]) : nil,
      cachedKeys: rows?.keys, inputs: inputs.makeSaved(tokens: tokens, pass: pass),
      output: output.makeSaved(tokens: outputs, pass: pass))
  }

  package func forward(
    _ x: Tensor, residual: Tensor?, out y: Tensor?, saved: Saved, pass: Pass
  ) {
    let workspace = pass.workspace
    inputs.forward(x, q: saved.q, k: saved.k, v: saved.v, saved: saved.inputs, pass: pass)
    if norms == nil { rotate(q: saved.q, k: saved.k, pass: pass) }
    workspace.scope {
      attend(saved, pass: pass)
      let o = pass.selected(pass.activation(of: saved.o))
      if let y {
        output.forward(o, out: y, residual: residual, saved: saved.output, workspace: workspace)
      } else {
        output.recompute(o, saved: saved.output)
      }
    }
  }

  private func rotate(q: Tensor, k: Tensor, pass: Pass, inverse: Bool = false) {
    guard let rotary else { return }
    pass.workspace.scope {
      let rows = pass.rotations(of: rotary)
      rotary.rotate(q, rows: rows.queries, inverse: inverse)
      rotary.rotate(k, rows: rows.keys, inverse: inverse)
    }
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
    guard let norms, let statistics = saved.statistics else {
      return (pass.spread(saved.q), saved.k)
    }
    let workspace = pass.workspace
    let q = workspace.tensor(saved.q.shape, saved.q.dataType)
    let k = saved.cachedKeys ?? workspace.tensor(saved.k.shape, saved.k.dataType)
    norms.query.forward(saved.q, out: q, statistics: statistics.q)
    norms.key.forward(saved.k, out: k, statistics: statistics.k)
    rotate(q: q, k: k, pass: pass)
    return (pass.spread(q), k)
  }

  package func backward(dOut: Tensor, x: Tensor, saved: Saved, into dX: Tensor?, pass: Pass) {
    let workspace = pass.workspace
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
      rotate(q: dQ, k: dK, pass: pass, inverse: true)
      if let norms, let statistics = saved.statistics {
        norms.query.backward(
          dOut: dQ, x: saved.q, statistics: statistics.q, into: dQ, accumulating: false)
        norms.key.backward(
          dOut: dK, x: saved.k, statistics: statistics.k, into: dK, accumulating: false)
      }
      inputs.backward(dQ: dQ, dK: dK, dV: dV, x: x, saved: saved.inputs, into: dX, pass: pass)
    }
  }

  /// The gradient of `saved.o` [T, H·E] into `dO`.
  private func backwardOfOutput(dOut: Tensor, saved: Saved, into dO: Tensor, pass: Pass) {
    let workspace = pass.workspace
    let branch = Linear.Branch(linear: output, dOut: dOut, saved: saved.output)
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
  /// Bytes of `SelfAttention.Saved`, without the adapters' part.
  func savedBytes(tokens: Int, outputs: Int, activations: DataType) -> Int {
    let statistics =
      queryKeyNorms.map {
        $0.query.statisticsBytes(count: outputs * queries)
          + $0.key.statisticsBytes(count: tokens * keys)
      } ?? 0
    return (tokens * (queries + 2 * keys) + outputs * queries) * activations.size
      + tokens * shape.heads * 4 + statistics
  }

  /// Bytes that `SelfAttention.backward` works in: dO, dQ, dK, dV, normalized heads made again, and the
  /// kernel's scratch; queries and dQ twice where only `outputs` tokens have them. With many threads the
  /// scratch of the forward pass is more, which has it beside less.
  func backwardBytes(tokens: Int, outputs: Int, activations: DataType) -> Int {
    let again = queryKeyNorms == nil ? 0 : outputs * queries + tokens * keys
    let spread = outputs == tokens ? 0 : 2 * tokens * queries
    let kernel =
      (again + spread) * activations.size
      + Kernels.attentionScratch(tokens: tokens, shape: shape, type: activations)
    return ((tokens + outputs) * queries + 2 * tokens * keys) * activations.size
      + max(
        kernel, inputsBackwardBytes(tokens: tokens, outputs: outputs, activations: activations))
  }
}
