/// Places where a long text can be cut before it is merged without changing a token: between two
/// characters that no merge has as the end of its left and the beginning of its right part.
///
/// Vocabularies of whole texts ("▁the▁ferry") fall apart at their words this way, which lets short
/// words be remembered and long texts be shared out between threads.
struct MergeBorders: Sendable {
  /// Characters that follow more different ones than this are not looked at: a cut would be rare.
  private static let mostPartners = 8

  /// For each character below U+10000: 0 where nothing is known, else 1 + a number in `partners`.
  private let places: [UInt16]
  /// The characters that can be joined with a character on their right.
  private let partners: [[UInt32]]

  /// - Parameters:
  ///   - merges: The last character of each left part and the first of its right part.
  ///   - knows: Whether a character is a symbol by itself. Before others there is no cut: they may
  ///     become one unknown token with their neighbours.
  init(_ merges: [(left: UInt32, right: UInt32)], knows: (UInt32) -> Bool) {
    var joined: [UInt32: Set<UInt32>] = [:]
    for (left, right) in merges { joined[right, default: []].insert(left) }
    var places = [UInt16](repeating: 0, count: 0x10000)
    var partners: [[UInt32]] = []
    for value in UInt32(0)..<0x10000 where knows(value) {
      let left = joined[value] ?? []
      guard left.count <= Self.mostPartners, partners.count < Int(UInt16.max) else { continue }
      partners.append(left.sorted())
      places[Int(value)] = UInt16(partners.count)
    }
    self.places = places
    self.partners = partners
  }

  /// Calls `body` for the parts of `word` in order.
  func forEachPart(
    of word: Range<Int>, in bytes: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void
  ) {
    var start = word.lowerBound
    var index = start
    var last: UInt32?
    while index < word.upperBound {
      let value = UTF8Text.scalar(at: index, in: bytes).value
      if let last, value < 0x10000, case let place = Int(places[Int(value)]), place > 0,
        !partners[place - 1].contains(last)
      {
        body(start..<index)
        start = index
      }
      last = value
      index += UTF8Text.length(ofScalarAt: index, in: bytes)
    }
    if start < word.upperBound { body(start..<word.upperBound) }
  }
}
