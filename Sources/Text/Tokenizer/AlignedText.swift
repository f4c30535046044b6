/// A rewritten text that knows which bytes of the original each of its bytes comes from.
struct AlignedText {
  private(set) var bytes: [UInt8] = []
  /// Byte `i` comes from `starts[i]..<ends[i]` of the original (empty for inserted bytes).
  private var starts: [Int] = []
  private var ends: [Int] = []

  init() {}

  /// The original itself.
  init(_ original: UnsafeBufferPointer<UInt8>) {
    for index in 0..<original.count { append(original[index], from: index..<index + 1) }
  }

  mutating func append(_ byte: UInt8, from origin: Range<Int>) {
    bytes.append(byte)
    starts.append(origin.lowerBound)
    ends.append(origin.upperBound)
  }

  /// Appends `bytes`, which together stand for `origin`.
  mutating func append(_ bytes: some Sequence<UInt8>, from origin: Range<Int>) {
    for byte in bytes { append(byte, from: origin) }
  }

  /// The bytes of the original that `range` comes from; of an empty range, the place.
  func origin(of range: Range<Int>) -> Range<Int> {
    guard !range.isEmpty else {
      let place = range.lowerBound < starts.count ? starts[range.lowerBound] : (ends.last ?? 0)
      return place..<place
    }
    // Inserted bytes take the place of what follows them, so a start never lies behind an end.
    let start = starts[range.lowerBound]
    return start..<max(start, ends[range.upperBound - 1])
  }

  /// This text with some parts rewritten. `rewrite` gets the bytes and appends a new text in their
  /// coordinates; the result has this text's.
  func rewritten(
    _ rewrite: (UnsafeBufferPointer<UInt8>, inout AlignedText) -> Void
  ) -> AlignedText {
    var result = AlignedText()
    bytes.withUnsafeBufferPointer { rewrite($0, &result) }
    for index in result.bytes.indices {
      let origin = origin(of: result.starts[index]..<result.ends[index])
      (result.starts[index], result.ends[index]) = (origin.lowerBound, origin.upperBound)
    }
    return result
  }
}
