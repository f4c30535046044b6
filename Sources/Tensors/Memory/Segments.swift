/// Where the sequences of a flat batch begin and end: a fact of the host, checked once when it is made.
///
/// Attention sees one segment at a time. A segment may be empty.
package struct Segments: Sendable, Equatable {
  /// Start offsets of the segments and the end of the last: S + 1 numbers from 0 to `tokens`.
  package let starts: [Int32]
  /// Tokens of all segments together, T.
  package let tokens: Int
  /// Tokens of the longest segment, 0 where there is none.
  package let longest: Int

  /// Number of segments, S.
  package var count: Int { starts.count - 1 }

  /// - Parameter lengths: Tokens of each segment, in order; their sum fits into an Int32.
  package init(lengths: [Int]) {
    var starts: [Int32] = [0]
    starts.reserveCapacity(lengths.count + 1)
    var tokens = 0
    for length in lengths {
      precondition(
        length >= 0 && length <= Int(Int32.max) - tokens,
        "a segment of \(length) tokens after \(tokens) others")
      tokens += length
      starts.append(Int32(tokens))
    }
    self.starts = starts
    self.tokens = tokens
    longest = lengths.max() ?? 0
  }
}
