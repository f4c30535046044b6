/// A row as tokens: what a batch is made of.
package struct TokenRow: Equatable, Sendable {
  package var ids: [Int32]
  /// For each token its own id where it is trained, else `TokenBatch.ignoredLabel`. Not shifted.
  package var labels: [Int32]
  /// How much each token counts in the loss, finite and not negative; nil: 1 for each.
  package var weights: [Float]?

  package init(ids: [Int32], labels: [Int32], weights: [Float]? = nil) {
    precondition(ids.count == labels.count, "\(ids.count) ids, \(labels.count) labels")
    precondition(
      weights.map { $0.count == ids.count && $0.allSatisfy { $0 >= 0 && $0.isFinite } } ?? true,
      "weights are not one finite number a token")
    self.ids = ids
    self.labels = labels
    self.weights = weights
  }

  /// What the position of token t has to predict: the token after it. A token that counts nothing is
  /// not a target.
  func target(at t: Int) -> (label: Int32, weight: Float) {
    guard t + 1 < labels.count, labels[t + 1] != TokenBatch.ignoredLabel else {
      return (TokenBatch.ignoredLabel, 0)
    }
    let weight = weights?[t + 1] ?? 1
    return (weight == 0 ? TokenBatch.ignoredLabel : labels[t + 1], weight)
  }

  /// Positions before the first that has something to predict.
  var beginning: ArraySlice<Int32> {
    ids.prefix(ids.indices.first { target(at: $0).label != TokenBatch.ignoredLabel } ?? ids.count)
  }
}
