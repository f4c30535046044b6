import TestSupport

/// What happens to files: bits turn, ends are lost, pieces come twice or from another file.
enum Mutation: CaseIterable {
  case flip, cut, insert, duplicate, splice, swell

  private static let tokens = [
    "\"", "{", "[", "\n", "\\u", "\\", ",", "NaN", "\u{FEFF}", "\0", "1e999", "\r", "]",
  ]

  /// - Parameter other: Where a splice takes its piece from.
  func applied(
    to bytes: [UInt8], other: [UInt8], _ random: inout SplitMix64
  ) -> [UInt8] {
    guard !bytes.isEmpty else { return other }
    var result = bytes
    let place = Int.random(in: 0..<bytes.count, using: &random)
    let end = min(bytes.count, place + Int.random(in: 1...64, using: &random))
    switch self {
    case .flip: result[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case .cut: result.removeLast(bytes.count - place)
    case .insert:
      let token = Self.tokens[Int.random(in: 0..<Self.tokens.count, using: &random)]
      result.insert(contentsOf: Array(token.utf8), at: place)
    case .duplicate: result.insert(contentsOf: bytes[place..<end], at: place)
    case .splice:
      guard !other.isEmpty else { return result }
      let from = Int.random(in: 0..<other.count, using: &random)
      result.replaceSubrange(place..<end, with: other[from..<min(other.count, from + 96)])
    case .swell:
      let count = Int.random(in: 300...3000, using: &random)
      result.insert(contentsOf: repeatElement(bytes[place], count: count), at: place)
    }
    return result
  }
}
