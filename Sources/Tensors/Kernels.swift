/// The compute seam: the coarse operations that layers are written in.
///
/// Element memory is touched only here. Kernels never allocate; scratch comes from the workspace.
/// Scalars land in 1-element tensors. Work is partitioned by problem size, never by thread count,
/// so every sum has one order and results have the same bits for any number of threads.
///
/// Dimensions: T tokens · D hidden · H query heads · G key/value heads · E head dimension ·
/// F feed-forward · V vocabulary · N outputs · K inputs · R adapter rank.
package enum Kernels {}

// Signatures (float32 unless said; `+=` where a parameter is called `into`):
//
//   setThreads(_ count: Int)                      threads of the pool; 1... ; process-wide
//   defaultThreads: Int                           physical choice for this machine (all available cores)
//   cpuFeatures: [String]                         what dispatch saw and uses, for run.json
//
//   embedding(ids [T] i32, weight [V, D] float32, out [T, D])
//
//   rmsNormForward(x [T, D], weight [D], epsilon, out [T, D], inverseRMS [T])
//   rmsNormBackward(dOut [T, D], x, weight, inverseRMS, into dX [T, D])            dX +=
//
//   linearForward(x [T, K], weight: BaseWeight, out [T, N], workspace)             out = x W'
//   linearBackward(dOut [T, N], weight: BaseWeight, into dX [T, K], workspace)     dX += dOut W
//
//   matmul(a, b, out, transposeA: Bool, transposeB: Bool, alpha: Float = 1, accumulate: Bool, workspace)
//        out (+)= alpha · op(a) op(b); small adapter products in float32; every shape legal
//
//   rope(x [T, heads · E] in place, positions [T] i32, cos [P, E/2], sin [P, E/2], headDimension, inverse: Bool)
//        rotates pairs (i, i + E/2) — the Hugging Face "rotate_half" convention; inverse = backward
//
//   attentionForward(q [T, H·E], k [T, G·E], v [T, G·E], segments [S+1] i32 start offsets, heads H, kvHeads G,
//                    out [T, H·E], logSumExp [T, H], workspace)      causal within each segment, scale 1/sqrt(E)
//   attentionBackward(dOut, q, k, v, out, logSumExp, segments, heads, kvHeads, dQ =, dK =, dV =, workspace)
//   attentionDecode(q [1.., H·E] new tokens, keys [P, G·E], values [P, G·E], pastCount, heads, kvHeads, out, workspace)
//        new token t attends to keys 0 ... pastCount + t  (keys of the new tokens are already in `keys`)
//
//   swigluForward(gate [T, F], up [T, F], out [T, F])                              out = silu(gate) · up
//   swigluBackward(dOut [T, F], gate, up, dGate [T, F], dUp [T, F])                may alias: dGate===dOut allowed
//
//   linearCrossEntropy(hidden [T, D], weight: BaseWeight [V, D], labels [T] i32 (−100 = not trained),
//                      gradientScale: Double, loss [1] f64 (+= sum of token losses), into dHidden [T, D]?, workspace)
//        rows whose label is −100 are skipped entirely; dHidden (all rows, zero where not trained) is *set*,
//        multiplied with gradientScale; logits exist only in chunks
//
//   adamW(parameter, gradient, m, v (all same shape), learningRate, beta1, beta2, epsilon, weightDecay, step (1-based),
//         gradientScale)                         PyTorch's AdamW; gradientScale is the clip coefficient
//   sumOfSquares(_ tensors: [Tensor], out [1] f64)
//   add(x, into y) · scale(x in place, by) · copy(from, to)
//   dropout(x, out, probability, key: RandomKey)  out = x · keep / (1 − p); element index is the counter
//   dropoutBackward(dOut, into dX, probability, key)
//   convert(from: Tensor, to: Tensor)             between float32, bfloat16, float16 (round to nearest even)
//   isFinite(_ tensor) -> Bool
//
//   NF4: quantize(weight [N, K] float32/bfloat16/float16, doubleQuantization: Bool) -> NF4Weight (own memory)
//        dequantize(NF4Weight, out [N, K] float32)
