/// A part of a rendered text that is learnt.
package struct TrainedSpan: Equatable, Sendable {
  /// UTF-8 bytes of the text.
  package var bytes: Range<Int>
  /// How much its tokens count in the loss.
  package var weight: Float
  /// Whether it begins where a prompt ends, so that no token may reach across.
  var isPromptEnd = false

  package init(bytes: Range<Int>, weight: Float = 1, isPromptEnd: Bool = false) {
    self.bytes = bytes
    self.weight = weight
    self.isPromptEnd = isPromptEnd
  }

  /// All of a text of `count` bytes in the spans' order, where what lies in no span has a weight of its own.
  static func whole(
    _ count: Int, except spans: [TrainedSpan], weight: Float
  ) -> [TrainedSpan] {
    var result: [TrainedSpan] = []
    var start = 0
    for span in spans {
      if start < span.bytes.lowerBound {
        result.append(TrainedSpan(bytes: start..<span.bytes.lowerBound, weight: weight))
      }
      result.append(span)
      start = span.bytes.upperBound
    }
    if start < count { result.append(TrainedSpan(bytes: start..<count, weight: weight)) }
    return result
  }
}
