/// Where the sequences of a flat batch begin and end: a fact of the host, checked once when it is made.
///
/// Attention sees one segment at a time, with the segment before it that it names as its prefix: a
/// prefix's branches go on from the same tokens. A segment may be empty.
package struct Segments: Sendable, Equatable {
  /// Start offsets of the segments and the end of the last: S + 1 numbers from 0 to `tokens`.
  package let starts: [Int32]
  /// For each segment its prefix, or -1; nil where no segment has one. A prefix has none itself, and
  /// its branches follow it.
  package let prefixes: [Int32]?
  /// Tokens of all segments together, T.
  package let tokens: Int
  /// Tokens of the longest sequence, which is a segment with its prefix; 0 where there is none.
  package let longest: Int

  /// Number of segments, S.
  package var count: Int { starts.count - 1 }

  /// Tokens of each segment.
  package var lengths: [Int] { zip(starts, starts.dropFirst()).map { Int($1 - $0) } }

  /// Tokens of each segment with its prefix.
  package var sequenceLengths: [Int] {
    guard let prefixes else { return lengths }
    let lengths = lengths
    return zip(lengths, prefixes).map { $0 + ($1 < 0 ? 0 : lengths[Int($1)]) }
  }

  /// - Parameters:
  ///   - lengths: Tokens of each segment, in order; their sum fits into an Int32.
  ///   - prefixes: For each segment the place of its prefix, nil for none. A family is a prefix and,
  ///     right behind it, all its branches. Empty: no segment has a prefix.
  package init(lengths: [Int], prefixes: [Int?] = []) {
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
    let prefixes = prefixes.isEmpty ? [Int?](repeating: nil, count: lengths.count) : prefixes
    precondition(
      prefixes.count == lengths.count, "\(prefixes.count) prefixes, \(lengths.count) segments")
    for case (let segment, let prefix?) in prefixes.enumerated() {
      let before = segment - 1
      precondition(
        before >= 0 && prefix == prefixes[before] ?? before,
        "segment \(segment) with prefix \(prefix) is not behind it")
    }
    self.starts = starts
    self.prefixes =
      prefixes.contains { $0 != nil } ? prefixes.map { Int32($0 ?? -1) } : nil
    self.tokens = tokens
    longest = zip(lengths, prefixes).map { $0 + ($1.map { lengths[$0] } ?? 0) }.max() ?? 0
  }
}
