/// Which rows were seen, to find those that come again: about 20 bytes of each.
struct SeenRows {
  private var first: [UInt64: UInt32] = [:]

  /// The number of the row that said the same before; nil for one that is new, which is remembered.
  mutating func earlier(_ content: UInt64, number: Int) -> Int? {
    if let other = first[content] { return Int(other) }
    first[content] = UInt32(clamping: number)
    return nil
  }
}
