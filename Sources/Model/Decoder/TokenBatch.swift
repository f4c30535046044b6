package import Tensors

/// A flat stream of whole sequences, one after the other, without padding.
///
/// Attention sees one segment at a time and positions restart at each, so packed rows cannot see
/// each other by construction.
package struct TokenBatch {
  /// Label of a position that is not trained.
  package static let ignoredLabel: Int32 = -100

  package let ids: Tensor  // int32 [T]
  /// The token that each position has to predict, or `ignoredLabel`; int32 [T].
  package let targets: Tensor
  package let positions: Tensor  // int32 [T]
  package let segments: Tensor  // int32 [S + 1]
  package let tokens: Int
  /// Positions with a target.
  package let trainedTokens: Int
  package let longestSegment: Int

  /// - Parameter rows: Ids and labels of equal length, `labels[t]` telling whether token t itself is
  ///   trained. The shift by one happens here: the first token of a row is never a target.
  package init(rows: [(ids: [Int32], labels: [Int32])]) {
    precondition(rows.contains { !$0.ids.isEmpty }, "a batch without tokens")
    var ids: [Int32] = []
    var targets: [Int32] = []
    var positions: [Int32] = []
    var segments: [Int32] = [0]
    for row in rows where !row.ids.isEmpty {
      precondition(
        row.ids.count == row.labels.count, "\(row.ids.count) ids, \(row.labels.count) labels")
      ids += row.ids
      targets += row.labels.dropFirst() + [Self.ignoredLabel]
      positions += (0..<row.ids.count).map(Int32.init)
      segments.append(Int32(ids.count))
    }
    tokens = ids.count
    trainedTokens = targets.count { $0 != Self.ignoredLabel }
    longestSegment = rows.map(\.ids.count).max() ?? 0
    self.ids = Tensor.from(ids, .int32)
    self.targets = Tensor.from(targets, .int32)
    self.positions = Tensor.from(positions, .int32)
    self.segments = Tensor.from(segments, .int32)
  }
}
