import CKernels

/// Attention with grouped key/value heads and rotary positions.
extension Kernels {
  /// Rotates the pairs (i, i + R/2) of the first R elements of every head in place, Hugging Face's
  /// `rotate_half` convention (Su et al. 2021, arXiv:2104.09864).
  ///
  /// - Parameters:
  ///   - x: float32 or bfloat16 [T, heads · E]
  ///   - positions: int32 [T], each in 0 ..< P; not checked here
  ///   - cos: float32 [P, R/2]
  ///   - sin: float32 [P, R/2]
  ///   - headDimension: E
  ///   - rotated: R, even, at most E
  ///   - inverse: Rotates back, which is also the backward pass.
  package static func rope(
    x: Tensor, positions: Tensor, cos: Tensor, sin: Tensor, headDimension: Int, rotated: Int,
    inverse: Bool
  ) {
    let span = KernelClock.begin(.rope)
    defer { span.end() }
    precondition(
      rotated > 0 && rotated % 2 == 0 && rotated <= headDimension,
      "\(rotated) of \(headDimension) elements of a head")
    let tokens = positions.count
    let heads = x.rows(ofWidth: headDimension, "rope x") / max(tokens, 1)
    x.requireCount(tokens * heads * headDimension, "rope x")
    _ = cos.rows(ofWidth: rotated / 2, "rope cos")
    sin.requireCount(cos.count, "rope sin")
    ck_rope(
      ck_rotation(
        x: x.output, positions: positions.i32, cos: cos.f32, sin: sin.f32, inverse: inverse,
        T: tokens, heads: heads, E: headDimension, rotated: rotated))
  }

  /// Causal attention within each segment and its prefix:
  /// out[t, h] = Σ_j softmax_j(score(q[t, h], k[j, g])) v[j, g], j over the segment's prefix, if it has
  /// one, and from the segment's start to t; with a window only over the last of these.
  ///
  /// - Parameters:
  ///   - q: float32 or bfloat16 [T, H·E], and so are k, v and out
  ///   - k: [T, G·E]
  ///   - v: [T, G·E]
  ///   - segments: The sequences of the T tokens.
  ///   - shape: H, G, E and how scores are made.
  ///   - out: [T, H·E]
  ///   - logSumExp: float32 [T, H], receives what the backward pass needs
  ///   - workspace: Lends scratch memory, which grows with the threads and not with T².
  package static func attentionForward(
    q: Tensor, k: Tensor, v: Tensor, segments: Segments, shape: AttentionShape,
    out: Tensor, logSumExp: Tensor, workspace: Workspace
  ) {
    let span = KernelClock.begin(.attentionForward)
    defer { span.end() }
    let T = segments.tokens
    let (H, G, E) = (shape.heads, shape.kvHeads, shape.headDimension)
    for tensor in [q, out] { tensor.requireCount(T * H * E, "attention q or out") }
    for tensor in [k, v] { tensor.requireCount(T * G * E, "attention k or v") }
    logSumExp.requireCount(T * H, "attention logSumExp")
    let workers = threads
    shape.withNative(segments) { native in
      switch q.dataType {
      case .bfloat16:
        var pass = ck_bf16_attention_pass(
          shape: native, q: q.bf16, k: k.bf16, v: v.bf16, out: out.bf16,
          log_sum_exp: logSumExp.f32)
        let bytes = ck_bf16_attention_forward_scratch(&pass.shape, workers)
        workspace.withScratch(byteCount: bytes) { ck_bf16_attention_forward(&pass, $0, workers) }
      default:
        var pass = ck_attention_pass(
          shape: native, q: q.f32, k: k.f32, v: v.f32, out: out.f32, log_sum_exp: logSumExp.f32)
        let bytes = ck_attention_forward_scratch(&pass.shape, workers)
        workspace.withScratch(byteCount: bytes) { ck_attention_forward(&pass, $0, workers) }
      }
    }
  }

  /// Gradients of `attentionForward`. All three are written, not accumulated; with
  /// P = softmax of the scores and dP = dOut v':
  /// dV = P' dOut, dS = P ∘ (dP - rowsum(dOut ∘ out)), dQ = scale · dS k, dK = scale · dS' q,
  /// and dS times the slope of the soft cap where there is one.
  ///
  /// - Parameters:
  ///   - dOut: float32 or bfloat16 [T, H·E], and so are all but logSumExp
  ///   - q: [T, H·E]
  ///   - k: [T, G·E]
  ///   - v: [T, G·E]
  ///   - out: [T, H·E], from the forward pass
  ///   - logSumExp: float32 [T, H], from the forward pass
  ///   - segments: As in the forward pass, and so is the shape.
  ///   - shape: H, G, E and how scores are made.
  ///   - dQ: [T, H·E]
  ///   - dK: [T, G·E]
  ///   - dV: [T, G·E]
  ///   - workspace: Lends scratch memory.
  package static func attentionBackward(
    dOut: Tensor, q: Tensor, k: Tensor, v: Tensor, out: Tensor, logSumExp: Tensor,
    segments: Segments, shape: AttentionShape,
    dQ: Tensor, dK: Tensor, dV: Tensor, workspace: Workspace
  ) {
    let span = KernelClock.begin(.attentionBackward)
    defer { span.end() }
    let T = segments.tokens
    let (H, G, E) = (shape.heads, shape.kvHeads, shape.headDimension)
    for tensor in [q, dOut, out, dQ] {
      tensor.requireCount(T * H * E, "attention q, dOut, out or dQ")
    }
    for tensor in [k, v, dK, dV] { tensor.requireCount(T * G * E, "attention k, v, dK or dV") }
    logSumExp.requireCount(T * H, "attention logSumExp")
    let workers = threads
    shape.withNative(segments) { native in
      switch q.dataType {
      case .bfloat16:
        var gradient = ck_bf16_attention_gradient(
          shape: native, dout: dOut.bf16, q: q.bf16, k: k.bf16, v: v.bf16, out: out.bf16,
          log_sum_exp: logSumExp.f32, dq: dQ.bf16, dk: dK.bf16, dv: dV.bf16)
        let bytes = ck_bf16_attention_backward_scratch(&gradient.shape, workers)
        workspace.withScratch(byteCount: bytes) {
          ck_bf16_attention_backward(&gradient, $0, workers)
        }
      default:
        var gradient = ck_attention_gradient(
          shape: native, dout: dOut.f32, q: q.f32, k: k.f32, v: v.f32, out: out.f32,
          log_sum_exp: logSumExp.f32, dq: dQ.f32, dk: dK.f32, dv: dV.f32)
        let bytes = ck_attention_backward_scratch(&gradient.shape, workers)
        workspace.withScratch(byteCount: bytes) { ck_attention_backward(&gradient, $0, workers) }
      }
    }
  }

  /// Bytes of scratch that `attentionForward` or `attentionBackward`, whichever is more, takes for one
  /// segment of `tokens` tokens, and the places of as many segments as there may be instead.
  package static func attentionScratch(
    tokens: Int, shape: AttentionShape, type: DataType
  ) -> Int {
    var bytes = 0
    shape.withNative(Segments(lengths: [tokens])) { native in
      var native = native
      bytes =
        type == .bfloat16
        ? max(
          ck_bf16_attention_forward_scratch(&native, threads),
          ck_bf16_attention_backward_scratch(&native, threads))
        : max(
          ck_attention_forward_scratch(&native, threads),
          ck_attention_backward_scratch(&native, threads))
    }
    return bytes + 2 * tokens * MemoryLayout<Int>.size
  }

  /// Attention of new tokens to everything before them and to themselves: new token t sees keys
  /// 0 ... pastCount + t.
  ///
  /// - Parameters:
  ///   - q: float32 [T, H·E], the new tokens
  ///   - keys: float32 [at least pastCount + T, G·E], those of the new tokens included
  ///   - values: float32, as `keys`
  ///   - pastCount: Tokens before the new ones.
  ///   - shape: H, G, E and how scores are made.
  ///   - out: float32 [T, H·E]
  ///   - workspace: Lends scratch memory.
  package static func attentionDecode(
    q: Tensor, keys: Tensor, values: Tensor, pastCount: Int, shape: AttentionShape,
    out: Tensor, workspace: Workspace
  ) {
    let span = KernelClock.begin(.attentionForward)
    defer { span.end() }
    let (H, G, E) = (shape.heads, shape.kvHeads, shape.headDimension)
    let T = q.rows(ofWidth: H * E, "attention q")
    out.requireCount(T * H * E, "attention out")
    precondition(
      pastCount >= 0 && keys.count >= (pastCount + T) * G * E && values.count == keys.count,
      "\(pastCount) + \(T) tokens of keys \(keys.shape) and values \(values.shape)")
    let workers = threads
    shape.withNative(Segments(lengths: [T]), past: pastCount) { native in
      var pass = ck_attention_pass(
        shape: native, q: q.f32, k: keys.f32, v: values.f32, out: out.f32, log_sum_exp: nil)
      if T == 1 {
        let bytes = ck_attention_decode_scratch(&pass.shape)
        workspace.withScratch(byteCount: bytes) { ck_attention_decode(&pass, $0) }
      } else {
        let bytes = ck_attention_forward_scratch(&pass.shape, workers)
        workspace.withScratch(byteCount: bytes) { ck_attention_forward(&pass, $0, workers) }
      }
    }
  }
}

extension AttentionShape {
  /// The description that kernels take; its pointers are valid inside `body` only.
  fileprivate func withNative(
    _ segments: Segments, past: Int = 0, _ body: (ck_attention) -> Void
  ) {
    segments.starts.withUnsafeBufferPointer { starts in
      segments.prefixes.withOptionalBuffer { prefixes in
        body(
          ck_attention(
            T: segments.tokens, S: segments.count, starts: starts.baseAddress, prefixes: prefixes,
            H: heads, G: kvHeads, E: headDimension, past: past, scale: scale,
            soft_cap: softCap ?? 0, window: window ?? 0))
      }
    }
  }
}

extension Optional<[Int32]> {
  /// The elements, or nil.
  fileprivate func withOptionalBuffer(_ body: (UnsafePointer<Int32>?) -> Void) {
    guard let self else { return body(nil) }
    self.withUnsafeBufferPointer { body($0.baseAddress) }
  }
}
