/// Stops compressed content that unpacks to far more than any text does.
///
/// Unpacked bytes go through a window and nowhere else, so this bounds time; memory and disk are bounded
/// without it.
struct ExpansionLimit {
  /// Any file may unpack to so much: repeated rows compress without end.
  private static let free = 1 << 28
  /// gzip reaches 1032, and zstd far more.
  private static let factor = 1000

  private var packed = 0
  private var unpacked = 0

  mutating func add(packed: Int, unpacked: Int) throws(StreamFault) {
    self.packed += packed
    self.unpacked += unpacked
    guard self.unpacked > Self.free, self.unpacked / Self.factor > self.packed else { return }
    throw .content(
      "it unpacks to more than \(Self.factor) times its size, which no text does; unpack it yourself if it"
        + " is what you think it is")
  }
}
