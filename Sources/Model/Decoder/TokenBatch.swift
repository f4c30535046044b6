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
  /// The rows.
  package let segments: Segments
  /// Positions with a target.
  package let trainedTokens: Int
  /// Of all ids and targets: what the vocabulary has to be larger than.
  package let largestID: Int

  package var tokens: Int { segments.tokens }

  /// - Parameter rows: Ids and labels of equal length, `labels[t]` telling whether token t itself is
  ///   trained. The shift by one happens here: the first token of a row is never a target.
  package init(rows: [(ids: [Int32], labels: [Int32])]) {
    precondition(rows.contains { !$0.ids.isEmpty }, "a batch without tokens")
    let rows = rows.filter { !$0.ids.isEmpty }
    var ids: [Int32] = []
    var targets: [Int32] = []
    var positions: [Int32] = []
    for row in rows {
      precondition(
        row.ids.count == row.labels.count, "\(row.ids.count) ids, \(row.labels.count) labels")
      ids += row.ids
      targets += row.labels.dropFirst() + [Self.ignoredLabel]
      positions += (0..<row.ids.count).map(Int32.init)
    }
    // Kernels do not look at ids again.
    precondition(
      ids.allSatisfy { $0 >= 0 } && targets.allSatisfy { $0 >= 0 || $0 == Self.ignoredLabel },
      "a token or target is negative")
    segments = Segments(lengths: rows.map(\.ids.count))
    trainedTokens = targets.count { $0 != Self.ignoredLabel }
    largestID = Int(max(ids.max() ?? 0, targets.max() ?? 0))
    self.ids = Tensor.from(ids, .int32)
    self.targets = Tensor.from(targets, .int32)
    self.positions = Tensor.from(positions, .int32)
  }
}
