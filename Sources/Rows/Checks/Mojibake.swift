/// UTF-8 that was once read as Windows-1252 or Latin-1: "Ã©" for "é", "â€™" for "’".
///
/// The text is turned back into the bytes that such a reading has seen. Where they are the UTF-8 of some
/// other character, the text was read wrongly. Two bytes may be so by chance, as in capitals before a
/// quotation mark; that is left alone.
struct Mojibake: RowCheck {
  func findings(in row: CheckedRow) -> [RowFinding] {
    for text in row.texts {
      guard let found = Self.first(in: text.bytes) else { continue }
      return [
        row.finding(
          .mojibake,
          "\(text.name) holds \"\(found.wrong)\", which looks like \"\(found.right)\" read as Latin-1"
        )
      ]
    }
    return []
  }

  /// The first place that was read wrongly; nil without one.
  static func first(in text: [UInt8]) -> (wrong: String, right: String)? {
    // Every such text begins a sequence with one of U+00C2 … U+00F4: C3 82 … C3 B4.
    guard text.contains(0xC3) else { return nil }
    let scalars = Array(String(decoding: text, as: UTF8.self).unicodeScalars)
    var weakEnd: Int?
    var index = 0
    while index < scalars.count {
      guard let sequence = sequence(scalars, at: index) else {
        index += 1
        continue
      }
      let end = index + sequence.bytes.count
      let follows = index > 0 ? scalars[index - 1] : nil
      // One may be chance, two side by side are not.
      if isCertain(sequence, after: follows) || weakEnd == index {
        return (
          String(String.UnicodeScalarView(scalars[index..<end])), String(sequence.scalar)
        )
      }
      weakEnd = end
      index = end
    }
    return nil
  }

  /// The bytes of one character, each shown as a character of its own.
  struct Sequence {
    let bytes: [UInt8]
    let scalar: Unicode.Scalar
  }

  /// Scalars from `index` on that are the bytes of one character.
  static func sequence(_ scalars: [Unicode.Scalar], at index: Int) -> Sequence? {
    guard let lead = byte(scalars[index]), (0xC2...0xF4).contains(lead) else { return nil }
    let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
    guard index + length <= scalars.count else { return nil }
    var bytes = [lead]
    for scalar in scalars[index + 1..<index + length] {
      guard let next = byte(scalar), (0x80...0xBF).contains(next) else { return nil }
      bytes.append(next)
    }
    guard let text = String(validating: bytes, as: UTF8.self),
      let scalar = text.unicodeScalars.first, text.unicodeScalars.count == 1
    else { return nil }
    return Sequence(bytes: bytes, scalar: scalar)
  }

  /// Whether nobody writes these characters in this order on purpose.
  private static func isCertain(_ sequence: Sequence, after scalar: Unicode.Scalar?) -> Bool {
    let second = sequence.bytes[1]
    switch sequence.bytes[0] {
    // "MANHÃ”": a word in capitals before a quotation mark.
    case 0xC2, 0xC3: return scalar?.properties.isUppercase != true
    // General punctuation and currency.
    case 0xE2: return (0x80...0x82).contains(second)
    // The byte-order mark and U+FFFD.
    case 0xEF: return sequence.bytes == [0xEF, 0xBB, 0xBF] || sequence.bytes == [0xEF, 0xBF, 0xBD]
    // Emoji and letters of mathematics.
    case 0xF0: return second == 0x9F || second == 0x9D
    // In French a no-break space stands between "é" and "»", which is a character by chance.
    default: return false
    }
  }

  /// The byte that Windows-1252 or Latin-1 reads as this character.
  private static func byte(_ scalar: Unicode.Scalar) -> UInt8? {
    if (0x80...0xFF).contains(scalar.value) { return UInt8(scalar.value) }
    return windows1252[scalar.value]
  }

  private static let windows1252: [UInt32: UInt8] = [
    0x20AC: 0x80, 0x201A: 0x82, 0x0192: 0x83, 0x201E: 0x84, 0x2026: 0x85, 0x2020: 0x86,
    0x2021: 0x87, 0x02C6: 0x88, 0x2030: 0x89, 0x0160: 0x8A, 0x2039: 0x8B, 0x0152: 0x8C,
    0x017D: 0x8E, 0x2018: 0x91, 0x2019: 0x92, 0x201C: 0x93, 0x201D: 0x94, 0x2022: 0x95,
    0x2013: 0x96, 0x2014: 0x97, 0x02DC: 0x98, 0x2122: 0x99, 0x0161: 0x9A, 0x203A: 0x9B,
    0x0153: 0x9C, 0x017E: 0x9E, 0x0178: 0x9F,
  ]
}
