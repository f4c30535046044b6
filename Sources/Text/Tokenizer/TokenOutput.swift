/// The ids of a text as they appear, with their byte ranges where those are wanted.
struct TokenOutput {
  private(set) var ids: [Int32] = []
  /// One range an id, or empty.
  private(set) var ranges: [Range<Int>] = []
  let wantsRanges: Bool
  /// Where the token before ended, in the text that is being cut up.
  private var position = 0

  init(wantsRanges: Bool, capacity: Int) {
    self.wantsRanges = wantsRanges
    ids.reserveCapacity(capacity)
    if wantsRanges { ranges.reserveCapacity(capacity) }
  }

  /// Tokens appended from here on start at `position` of the current text.
  mutating func start(at position: Int) { self.position = position }

  /// A token that reaches from the end of the one before to `end`.
  @inline(__always)
  mutating func append(_ id: Int32, end: Int) {
    ids.append(id)
    if wantsRanges { ranges.append(position..<end) }
    position = end
  }

  mutating func append(_ id: Int32, _ range: Range<Int>) {
    ids.append(id)
    if wantsRanges { ranges.append(range) }
  }

  mutating func append(_ symbols: SymbolBuffer, count: Int, at start: Int) {
    for index in 0..<count { append(symbols.ids[index], end: start + Int(symbols.ends[index])) }
  }

  /// Rewrites the ranges of the tokens from number `first` on, from the coordinates of a part or of
  /// a rewritten text to those of the text it was made of.
  mutating func mapRanges(from first: Int, _ transform: (Range<Int>) -> Range<Int>) {
    guard wantsRanges else { return }
    for index in first..<ranges.count { ranges[index] = transform(ranges[index]) }
  }

  mutating func shiftRanges(from first: Int, by offset: Int) {
    guard offset > 0 else { return }
    mapRanges(from: first) { $0.lowerBound + offset..<$0.upperBound + offset }
  }

  /// Appends the tokens of another part of the same text.
  mutating func append(_ other: TokenOutput) {
    ids += other.ids
    ranges += other.ranges
  }
}
