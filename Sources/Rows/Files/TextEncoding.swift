/// How text is written in bytes, as its beginning tells.
enum TextEncoding: Equatable {
  case utf8
  case utf16(isBigEndian: Bool)
  case utf32

  /// By the byte order mark or, without one, by the zero bytes that the other encodings put beside every
  /// ordinary letter.
  init(_ prefix: [UInt8]) {
    if prefix.starts(with: [0xFF, 0xFE, 0, 0]) || prefix.starts(with: [0, 0, 0xFE, 0xFF]) {
      self = .utf32
    } else if prefix.starts(with: [0xFF, 0xFE]) {
      self = .utf16(isBigEndian: false)
    } else if prefix.starts(with: [0xFE, 0xFF]) {
      self = .utf16(isBigEndian: true)
    } else {
      self = Self.guessed(prefix)
    }
  }

  private static func guessed(_ prefix: [UInt8]) -> TextEncoding {
    let zeros = prefix.prefix(4).map { $0 == 0 }
    switch zeros {
    case [false, true, false, true]: return .utf16(isBigEndian: false)
    case [true, false, true, false]: return .utf16(isBigEndian: true)
    case [false, true, true, true], [true, true, true, false]: return .utf32
    default: break
    }
    // A text that does not begin with two ordinary letters: blanks and digits are among the rest.
    var sides = [0, 0]
    for (index, byte) in prefix.enumerated() where byte == 0 { sides[index & 1] += 1 }
    guard prefix.count >= 64, sides[0] + sides[1] >= prefix.count / 16 else { return .utf8 }
    if sides[1] >= 4 * sides[0] { return .utf16(isBigEndian: false) }
    return sides[0] >= 4 * sides[1] ? .utf16(isBigEndian: true) : .utf8
  }
}
