import CKernels

/// Attention with grouped key/value heads and rotary positions.
extension Kernels {
  /// Rotates the pairs (i, i + E/2) of every head in place, Hugging Face's `rotate_half` convention
  /// (Su et al. 2021, arXiv:2104.09864).
  ///
  /// - Parameters:
  ///   - x: float32 or bfloat16 [T, heads · E]
  ///   - positions: int32 [T], each in 0 ..< P; not checked here
  ///   - cos: float32 [P, E/2]
  ///   - sin: float32 [P, E/2]
  ///   - headDimension: E, even
  ///   - inverse: Rotates back, which is also the backward pass.
  package static func rope(
    x: Tensor, positions: Tensor, cos: Tensor, sin: Tensor, headDimension: Int, inverse: Bool
  ) {
    let span = KernelClock.begin(.rope)
    defer { span.end() }
    precondition(headDimension > 0 && headDimension % 2 == 0, "head dimension \(headDimension)")
    let tokens = positions.count
    let heads = x.rows(ofWidth: headDimension, "rope x") / max(tokens, 1)
    x.requireCount(tokens * heads * headDimension, "rope x")
    _ = cos.rows(ofWidth: headDimension / 2, "rope cos")
    sin.requireCount(cos.count, "rope sin")
    switch x.dataType {
    case .bfloat16:
      ck_bf16_rope(
        x.bf16, positions.i32, cos.f32, sin.f32, inverse, tokens, heads, headDimension)
    default: ck_rope(x.f32, positions.i32, cos.f32, sin.f32, inverse, tokens, heads, headDimension)
    }
  }

  /// Causal attention within each segment:
  /// out[t, h] = Σ_j softmax_j(q[t, h] · k[j, g] / sqrt(E)) v[j, g], j from the segment's start to t.
  ///
  /// - Parameters:
  ///   - q: float32 or bfloat16 [T, H·E], and so are k, v and out
  ///   - k: [T, G·E]; query head h reads key/value head h / (H / G)
  ///   - v: float32 [T, G·E]
  ///   - segments: int32 [S + 1], start offsets from 0 to T, not decreasing
  ///   - heads: H
  ///   - kvHeads: G, a divisor of H
  ///   - out: float32 [T, H·E]
  ///   - logSumExp: float32 [T, H], receives what the backward pass needs
  ///   - workspace: Lends scratch memory, which grows with the threads and not with T².
  package static func attentionForward(
    q: Tensor, k: Tensor, v: Tensor, segments: Tensor, heads: Int, kvHeads: Int,
    out: Tensor, logSumExp: Tensor, workspace: Workspace
  ) {
    let span = KernelClock.begin(.attentionForward)
    defer { span.end() }
    let sizes = AttentionSizes(q: q, heads: heads, kvHeads: kvHeads, tokens: segments.lastElement)
    let (T, S, E) = (sizes.tokens, segments.count - 1, sizes.headDimension)
    segments.requireSegments(of: T)
    sizes.requireQueries(out, "attention out")
    sizes.requireKeys(k, count: T, "attention k")
    sizes.requireKeys(v, count: T, "attention v")
    logSumExp.requireCount(T * heads, "attention logSumExp")
    let workers = threads
    switch q.dataType {
    case .bfloat16:
      let bytes = ck_bf16_attention_forward_scratch(T, S, heads, kvHeads, E, workers)
      workspace.withScratch(byteCount: bytes) { scratch in
        ck_bf16_attention_forward(
          q.bf16, k.bf16, v.bf16, segments.i32, out.bf16, logSumExp.f32, T, S, heads, kvHeads, E,
          scratch, workers)
      }
    default:
      let bytes = ck_attention_forward_scratch(T, S, heads, kvHeads, E, workers)
      workspace.withScratch(byteCount: bytes) { scratch in
        ck_attention_forward(
          q.f32, k.f32, v.f32, segments.i32, out.f32, logSumExp.f32, T, S, heads, kvHeads, E,
          scratch, workers)
      }
    }
  }

  /// Gradients of `attentionForward`. All three are written, not accumulated; with
  /// P = softmax of the scores and dP = dOut v':
  /// dV = P' dOut, dS = P ∘ (dP - rowsum(dOut ∘ out)), dQ = dS k / sqrt(E), dK = dS' q / sqrt(E).
  ///
  /// - Parameters:
  ///   - dOut: float32 [T, H·E]
  ///   - q: float32 [T, H·E]
  ///   - k: float32 [T, G·E]
  ///   - v: float32 [T, G·E]
  ///   - out: float32 [T, H·E], from the forward pass
  ///   - logSumExp: float32 [T, H], from the forward pass
  ///   - segments: int32 [S + 1]
  ///   - heads: H
  ///   - kvHeads: G
  ///   - dQ: float32 [T, H·E]
  ///   - dK: float32 [T, G·E]
  ///   - dV: float32 [T, G·E]
  ///   - workspace: Lends scratch memory.
  package static func attentionBackward(
    dOut: Tensor, q: Tensor, k: Tensor, v: Tensor, out: Tensor, logSumExp: Tensor,
    segments: Tensor, heads: Int, kvHeads: Int,
    dQ: Tensor, dK: Tensor, dV: Tensor, workspace: Workspace
  ) {
    let span = KernelClock.begin(.attentionBackward)
    defer { span.end() }
    let sizes = AttentionSizes(q: q, heads: heads, kvHeads: kvHeads, tokens: segments.lastElement)
    let (T, S, E) = (sizes.tokens, segments.count - 1, sizes.headDimension)
    segments.requireSegments(of: T)
    for tensor in [dOut, out, dQ] { sizes.requireQueries(tensor, "attention dOut, out or dQ") }
    for tensor in [k, v, dK, dV] { sizes.requireKeys(tensor, count: T, "attention k, v, dK or dV") }
    logSumExp.requireCount(T * heads, "attention logSumExp")
    let workers = threads
    switch q.dataType {
    case .bfloat16:
      let bytes = ck_bf16_attention_backward_scratch(T, S, heads, kvHeads, E, workers)
      workspace.withScratch(byteCount: bytes) { scratch in
        ck_bf16_attention_backward(
          dOut.bf16, q.bf16, k.bf16, v.bf16, out.bf16, logSumExp.f32, segments.i32,
          dQ.bf16, dK.bf16, dV.bf16, T, S, heads, kvHeads, E, scratch, workers)
      }
    default:
      let bytes = ck_attention_backward_scratch(T, S, heads, kvHeads, E, workers)
      workspace.withScratch(byteCount: bytes) { scratch in
        ck_attention_backward(
          dOut.f32, q.f32, k.f32, v.f32, out.f32, logSumExp.f32, segments.i32,
          dQ.f32, dK.f32, dV.f32, T, S, heads, kvHeads, E, scratch, workers)
      }
    }
  }

  /// Attention of new tokens to everything before them and to themselves: new token t sees keys
  /// 0 ... pastCount + t.
  ///
  /// - Parameters:
  ///   - q: float32 [T, H·E], the new tokens
  ///   - keys: float32 [at least pastCount + T, G·E], those of the new tokens included
  ///   - values: float32, as `keys`
  ///   - pastCount: Tokens before the new ones.
  ///   - heads: H
  ///   - kvHeads: G
  ///   - out: float32 [T, H·E]
  ///   - workspace: Lends scratch memory.
  package static func attentionDecode(
    q: Tensor, keys: Tensor, values: Tensor, pastCount: Int, heads: Int, kvHeads: Int,
    out: Tensor, workspace: Workspace
  ) {
    let span = KernelClock.begin(.attentionForward)
    defer { span.end() }
    let sizes = AttentionSizes(q: q, heads: heads, kvHeads: kvHeads, tokens: q.shape[0])
    let (T, E) = (sizes.tokens, sizes.headDimension)
    sizes.requireQueries(out, "attention out")
    precondition(
      pastCount >= 0 && keys.count >= (pastCount + T) * kvHeads * E && values.count == keys.count,
      "\(pastCount) + \(T) tokens of keys \(keys.shape) and values \(values.shape)")
    if T == 1 {
      let bytes = ck_attention_decode_scratch(pastCount, heads, kvHeads, E)
      workspace.withScratch(byteCount: bytes) { scratch in
        ck_attention_decode(
          q.f32, keys.f32, values.f32, out.f32, pastCount, heads, kvHeads, E, scratch)
      }
      return
    }
    let workers = threads
    let bytes = ck_attention_prefill_scratch(T, pastCount, heads, kvHeads, E, workers)
    workspace.withScratch(byteCount: bytes) { scratch in
      ck_attention_prefill(
        q.f32, keys.f32, values.f32, out.f32, T, pastCount, heads, kvHeads, E, scratch, workers)
    }
  }
}

/// The sizes of one attention, checked.
private struct AttentionSizes {
  let tokens: Int
  let heads: Int
  let kvHeads: Int
  let headDimension: Int

  init(q: Tensor, heads: Int, kvHeads: Int, tokens: Int) {
    precondition(
      heads > 0 && kvHeads > 0 && heads % kvHeads == 0, "\(heads) heads, \(kvHeads) key/value heads"
    )
    self.tokens = tokens
    self.heads = heads
    self.kvHeads = kvHeads
    headDimension = tokens == 0 ? 1 : q.count / (tokens * heads)
    requireQueries(q, "attention q")
  }

  func requireQueries(_ tensor: Tensor, _ name: StaticString) {
    tensor.requireCount(tokens * heads * headDimension, name)
  }

  func requireKeys(_ tensor: Tensor, count: Int, _ name: StaticString) {
    tensor.requireCount(count * kvHeads * headDimension, name)
  }
}

extension Tensor {
  /// The last of int32 elements: for segments, the number of tokens.
  fileprivate var lastElement: Int {
    precondition(count > 0, "segments are empty")
    return Int(i32[count - 1])
  }

  /// Start offsets that begin at 0, do not decrease and end at `tokens`.
  fileprivate func requireSegments(of tokens: Int) {
    let starts = UnsafeBufferPointer(start: i32, count: count)
    precondition(
      starts[0] == 0 && Int(starts[count - 1]) == tokens
        && zip(starts, starts.dropFirst()).allSatisfy(<=),
      "segments \(Array(starts)) of \(tokens) tokens")
  }
}
