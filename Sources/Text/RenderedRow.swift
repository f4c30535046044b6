/// A conversation as a model reads it.
package struct RenderedRow: Equatable, Sendable {
  /// The label of a token that the loss skips.
  package static let ignoredLabel: Int32 = -100

  /// The rendered text, special tokens included.
  package let text: String
  package var ids: [Int32]
  /// For each token its own id where it is trained, else `ignoredLabel`. Not shifted.
  package var labels: [Int32]
  /// How much each token counts in the loss, 0 where it is not trained; nil: 1 for each trained token.
  package var weights: [Float]?
  /// UTF-8 byte ranges of `text` that are trained: an assistant's text and its end-of-turn token.
  package let spans: [Range<Int>]
  /// Whether a special token follows every assistant text, so that the model learns to stop.
  package let endsTurns: Bool
  /// What of the conversation the template does not show, as sentences.
  package let remarks: [String]
  /// Where the row stands, for messages.
  package let place: String

  /// Whether there is something to learn: the first token is never predicted.
  package var isTrained: Bool { labels.dropFirst().contains { $0 != Self.ignoredLabel } }

  /// Cuts the row on the right.
  package mutating func truncate(to length: Int) {
    ids = Array(ids.prefix(length))
    labels = Array(labels.prefix(length))
    weights = weights.map { Array($0.prefix(length)) }
  }
}
