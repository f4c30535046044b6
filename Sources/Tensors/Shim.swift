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
package enum Activation: Sendable { case silu, geluTanh }
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
  package static func gatedForward(_ activation: Activation, gate: Tensor, up: Tensor, out: Tensor) { swigluForward(gate: gate, up: up, out: out) }
  package static func gatedBackward(_ activation: Activation, dOut: Tensor, gate: Tensor, up: Tensor, dGate: Tensor, dUp: Tensor) { swigluBackward(dOut: dOut, gate: gate, up: up, dGate: dGate, dUp: dUp) }
  package static func rmsNormForward(x: Tensor, weight: Tensor, epsilon: Float, residual: Tensor?, out: Tensor, inverseRMS: Tensor) { rmsNormForward(x: x, weight: weight, epsilon: epsilon, out: out, inverseRMS: inverseRMS) }
  package static func rmsNormBackward(dOut: Tensor, x: Tensor, weight: Tensor, inverseRMS: Tensor, into dX: Tensor, accumulating: Bool) { rmsNormBackward(dOut: dOut, x: x, weight: weight, inverseRMS: inverseRMS, into: dX) }
  package static func linearForward(x: Tensor, weight: BaseWeight, bias: Tensor?, lowRank: LowRankTerm? = nil, residual: Tensor? = nil, out: Tensor, workspace: Workspace) { linearForward(x: x, weight: weight, lowRank: lowRank, residual: residual, out: out, workspace: workspace) }
  package static func softCap(_ x: Tensor, at cap: Float) {}
  package static func linearCrossEntropy(hidden: Tensor, weight: BaseWeight, labels: Tensor, softCap: Float?, gradientScale: Double, loss: Tensor, dHidden: Tensor?, workspace: Workspace) {
    linearCrossEntropy(hidden: hidden, weight: weight, labels: labels, gradientScale: gradientScale, loss: loss, dHidden: dHidden, workspace: workspace)
  }
}
