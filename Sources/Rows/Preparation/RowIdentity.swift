import Formats

/// What a row says, as one number that small differences do not change: case, white space, punctuation and
/// the system prompt do not count.
enum RowIdentity {
  static func hash(_ row: CheckedRow) -> UInt64 {
    var hash = ByteHash()
    var hasWords = false
    for text in row.texts where text.role != "system" {
      for byte in text.role.utf8 { hash.add(byte) }
      for word in words(text) {
        hasWords = true
        hash.add(number: word)
      }
      hash.add(0)
    }
    if !hasWords {
      // Tokens, or nothing but marks: the row as it is.
      for byte in row.outcome.json.text(sortedKeys: true).utf8 { hash.add(byte) }
    }
    return hash.value
  }

  /// In lower case, beyond ASCII as well.
  private static func words(_ text: CheckedText) -> [UInt64] {
    guard text.bytes.contains(where: { $0 >= 0x80 }) else { return text.words }
    return Words.hashes(Array(String(decoding: text.bytes, as: UTF8.self).lowercased().utf8))
  }
}

extension ByteHash {
  mutating func add(number: UInt64) {
    for shift in stride(from: 0, to: 64, by: 8) {
      add(UInt8(truncatingIfNeeded: number >> UInt64(shift)))
    }
  }
}
