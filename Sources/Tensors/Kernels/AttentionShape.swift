/// The heads of an attention and how a score is made from a query and a key:
///
///     s = scale · q · k        with a soft cap c: s = c tanh(scale · q · k / c)
package struct AttentionShape: Sendable, Equatable {
  /// Query heads, H.
  package let heads: Int
  /// Key/value heads, G, a divisor of H: query head h reads key/value head h / (H / G).
  package let kvHeads: Int
  /// Elements of a head, E.
  package let headDimension: Int
  /// What products of queries and keys are multiplied by; 1 / sqrt(E) where nothing else is said.
  package let scale: Float
  /// Scores stay within ± this (Gemma Team 2024, arXiv:2408.00118); nil: as they are.
  package let softCap: Float?
  /// Keys that a query sees, itself included: key j is visible to query i iff i - window < j <= i. nil: all.
  package let window: Int?

  package init(
    heads: Int, kvHeads: Int, headDimension: Int, scale: Float? = nil, softCap: Float? = nil,
    window: Int? = nil
  ) {
    precondition(
      heads > 0 && kvHeads > 0 && heads % kvHeads == 0 && headDimension > 0,
      "\(heads) heads, \(kvHeads) key/value heads, \(headDimension) wide")
    self.scale = scale ?? 1 / Float(headDimension).squareRoot()
    precondition(self.scale > 0 && self.scale.isFinite, "scale \(self.scale) of scores")
    if let softCap { precondition(softCap > 0 && softCap.isFinite, "soft cap \(softCap)") }
    if let window { precondition(window > 0, "a window of \(window) keys") }
    self.heads = heads
    self.kvHeads = kvHeads
    self.headDimension = headDimension
    self.softCap = softCap
    self.window = window
  }
}
