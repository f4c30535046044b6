package import Text

/// A row as a trainer needs it: its tokens, without text and spans.
package struct StoredRow: Equatable, Sendable {
  package let ids: [Int32]
  /// For each token its own id where it is trained, else `RenderedRow.ignoredLabel`. Not shifted.
  package let labels: [Int32]
  /// How much each token counts in the loss; nil: 1 for each trained token.
  package let weights: [Float]?

  package init(ids: [Int32], labels: [Int32], weights: [Float]? = nil) {
    precondition(
      labels.count == ids.count && weights?.count ?? ids.count == ids.count,
      "a label and a weight for each of \(ids.count) tokens")
    self.ids = ids
    self.labels = labels
    self.weights = weights
  }

  package init(_ row: RenderedRow) {
    self.init(ids: row.ids, labels: row.labels, weights: row.weights)
  }

  /// Whether a token counts in the loss. The first of a row is never predicted.
  private func isTarget(_ place: Int) -> Bool {
    place > 0 && labels[place] != RenderedRow.ignoredLabel && (weights?[place] ?? 1) != 0
  }

  /// Tokens that count in the loss.
  package var trainedTokens: Int { labels.indices.count { isTarget($0) } }

  /// The tokens before the first position that has something to predict: what rows may have in common.
  package var beginning: ArraySlice<Int32> {
    ids.prefix(labels.indices.first { isTarget($0) }.map { $0 - 1 } ?? ids.count)
  }

  package var fingerprint: RowFingerprint { RowFingerprint(ids) }
}
