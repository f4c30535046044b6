package struct Segments: Sendable, Equatable {
  package let starts: [Int32]
  package let tokens: Int
  package let longest: Int
  package var count: Int { starts.count - 1 }
  package init(lengths: [Int]) {
    var starts: [Int32] = [0]
    for length in lengths { starts.append((starts.last ?? 0) + Int32(length)) }
    self.starts = starts
    tokens = Int(starts.last ?? 0)
    longest = lengths.max() ?? 0
  }
}
package struct AttentionShape: Sendable, Equatable {
  package let heads, kvHeads, headDimension: Int
  package let scale: Float
  package let softCap: Float?
  package let window: Int?
  package init(heads: Int, kvHeads: Int, headDimension: Int, scale: Float? = nil, softCap: Float? = nil, window: Int? = nil) {
    self.heads = heads
    self.kvHeads = kvHeads
    self.headDimension = headDimension
    self.scale = scale ?? 1 / Float(headDimension).squareRoot()
    self.softCap = softCap
    self.window = window
  }
}
extension Kernels {
  package static func attentionForward(q: Tensor, k: Tensor, v: Tensor, segments: Segments, shape: AttentionShape, out: Tensor, logSumExp: Tensor, workspace: Workspace) {
    attentionForward(q: q, k: k, v: v, segments: Tensor.from(segments.starts, .int32), heads: shape.heads, kvHeads: shape.kvHeads, out: out, logSumExp: logSumExp, workspace: workspace)
  }
  package static func attentionBackward(dOut: Tensor, q: Tensor, k: Tensor, v: Tensor, out: Tensor, logSumExp: Tensor, segments: Segments, shape: AttentionShape, dQ: Tensor, dK: Tensor, dV: Tensor, workspace: Workspace) {
    attentionBackward(dOut: dOut, q: q, k: k, v: v, out: out, logSumExp: logSumExp, segments: Tensor.from(segments.starts, .int32), heads: shape.heads, kvHeads: shape.kvHeads, dQ: dQ, dK: dK, dV: dV, workspace: workspace)
  }
  package static func attentionDecode(q: Tensor, keys: Tensor, values: Tensor, pastCount: Int, shape: AttentionShape, out: Tensor, workspace: Workspace) {
    attentionDecode(q: q, keys: keys, values: values, pastCount: pastCount, heads: shape.heads, kvHeads: shape.kvHeads, out: out, workspace: workspace)
  }
}
