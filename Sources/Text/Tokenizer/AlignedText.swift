/// A rewritten text that knows, where that is wanted, which bytes of the original each of its bytes
/// comes from.
struct AlignedText {
  private(set) var bytes: [UInt8] = []
  let isTracking: Bool
  /// Byte `i` comes from `starts[i]..<ends[i]` of the original (empty for inserted bytes).
  private var starts: [Int] = []
  private var ends: [Int] = []

  init(isTracking: Bool, capacity: Int = 0) {
    self.isTracking = isTracking
    bytes.reserveCapacity(capacity)
    if isTracking {
      starts.reserveCapacity(capacity)
      ends.reserveCapacity(capacity)
    }
  }

  /// The original itself.
  init(_ original: UnsafeBufferPointer<UInt8>, isTracking: Bool) {
    self.init(isTracking: isTracking, capacity: original.count)
    copy(0..<original.count, of: original)
  }

  @inline(__always)
  mutating func append(_ byte: UInt8, from origin: Range<Int>) {
    bytes.append(byte)
    guard isTracking else { return }
    starts.append(origin.lowerBound)
    ends.append(origin.upperBound)
  }

  /// Appends `bytes`, which together stand for `origin`.
  mutating func append(_ bytes: some Sequence<UInt8>, from origin: Range<Int>) {
    for byte in bytes { append(byte, from: origin) }
  }

  /// Appends bytes of the original as they are.
  mutating func copy(_ range: Range<Int>, of text: UnsafeBufferPointer<UInt8>) {
    bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[range]))
    guard isTracking else { return }
    starts.append(contentsOf: range)
    for index in range { ends.append(index + 1) }
  }

  /// Appends another text that was made of the same original.
  mutating func append(_ other: AlignedText) {
    bytes += other.bytes
    starts += other.starts
    ends += other.ends
  }

  mutating func removeLast(_ count: Int) {
    bytes.removeLast(count)
    guard isTracking else { return }
    starts.removeLast(count)
    ends.removeLast(count)
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
    var result = AlignedText(isTracking: isTracking, capacity: bytes.count + bytes.count / 8 + 16)
    bytes.withUnsafeBufferPointer { rewrite($0, &result) }
    guard isTracking else { return result }
    for index in result.bytes.indices {
      let origin = origin(of: result.starts[index]..<result.ends[index])
      (result.starts[index], result.ends[index]) = (origin.lowerBound, origin.upperBound)
    }
    return result
  }
}
