/// A row as a model reads it.
package struct RenderedRow: Equatable, Sendable {
  /// The label of a token that the loss skips.
  package static let ignoredLabel: Int32 = -100

  /// The rendered text, special tokens included; empty where the row came as tokens.
  package let text: String
  package var ids: [Int32]
  /// For each token what is to be predicted at its place: its own id where it is trained, else
  /// `ignoredLabel`. Not shifted.
  package var labels: [Int32]
  /// How much each token counts in the loss, 0 where it is not trained; nil: 1 for each trained token.
  package var weights: [Float]?
  /// UTF-8 byte ranges of `text` that are trained: an assistant's text and its end-of-turn token.
  package let spans: [Range<Int>]
  /// Whether a special token follows every assistant text, so that the model learns to stop.
  package let endsTurns: Bool
  /// What of the row the model does not see as it is, as sentences.
  package let remarks: [String]
  /// Where the row stands, for messages.
  package let place: String

  /// - Parameters:
  ///   - ranges: For each token the bytes of `text` that it stands for.
  ///   - spans: What is trained, in order.
  init(
    text: String, ids: [Int32], ranges: [Range<Int>], spans: [TrainedSpan], endsTurns: Bool,
    remarks: [String], place: String
  ) {
    let weights = Self.weights(ranges, spans)
    self.init(
      text: text, ids: ids,
      labels: zip(ids, weights).map { $1 == 0 ? Self.ignoredLabel : $0 }, weights: weights,
      spans: spans.map(\.bytes), endsTurns: endsTurns, remarks: remarks, place: place)
  }

  package init(
    text: String = "", ids: [Int32], labels: [Int32], weights: [Float]? = nil,
    spans: [Range<Int>] = [], endsTurns: Bool = true, remarks: [String] = [], place: String
  ) {
    self.text = text
    self.ids = ids
    self.labels = labels
    self.weights = weights?.allSatisfy { $0 == 0 || $0 == 1 } == true ? nil : weights
    self.spans = spans
    self.endsTurns = endsTurns
    self.remarks = remarks
    self.place = place
  }

  /// Whether there is something to learn: the first token is never predicted.
  package var isTrained: Bool { labels.dropFirst().contains { $0 != Self.ignoredLabel } }

  /// Cuts the row on the right.
  package mutating func truncate(to length: Int) {
    ids = Array(ids.prefix(length))
    labels = Array(labels.prefix(length))
    weights = weights.map { Array($0.prefix(length)) }
  }

  /// A token is trained if it stands for some text of a span and ends in it. One that begins before the
  /// span is the first that the model has to produce for it.
  private static func weights(_ ranges: [Range<Int>], _ spans: [TrainedSpan]) -> [Float] {
    var span = 0
    return ranges.map { range in
      while span < spans.count, spans[span].bytes.upperBound < range.upperBound { span += 1 }
      guard span < spans.count, !range.isEmpty, range.upperBound > spans[span].bytes.lowerBound
      else { return 0 }
      return spans[span].weight
    }
  }
}
