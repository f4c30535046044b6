/// The words of a text for comparing it with others: letters and digits, ASCII in lower case. Characters of
/// scripts without spaces are words of their own.
enum Words {
  /// A hash for each word, in order.
  static func hashes(_ bytes: [UInt8]) -> [UInt64] {
    var words: [UInt64] = []
    bytes.withUnsafeBufferPointer { bytes in
      var hash = ByteHash()
      var isInside = false
      var index = 0
      while index < bytes.count {
        let byte = bytes[index]
        let length = Self.length(byte)
        let next = index + 1 < bytes.count ? bytes[index + 1] : 0
        let isPart = isWord(byte, next)
        let isAlone = length == 3 && byte >= 0xE3
        if isInside, isAlone || !isPart {
          words.append(hash.value)
          (hash, isInside) = (ByteHash(), false)
        }
        if isPart {
          for part in bytes[index..<min(index + length, bytes.count)] { hash.add(lowered(part)) }
          isInside = true
        }
        if isInside, isAlone {
          words.append(hash.value)
          (hash, isInside) = (ByteHash(), false)
        }
        index += length
      }
      if isInside { words.append(hash.value) }
    }
    return words
  }

  /// Bytes of the character that begins with this one.
  private static func length(_ byte: UInt8) -> Int {
    byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
  }

  /// Whether a character is part of a word, by its first two bytes: no-break spaces, typographic
  /// punctuation and that of East Asia are not.
  private static func isWord(_ byte: UInt8, _ next: UInt8) -> Bool {
    switch (byte, next) {
    case (0xC2, _), (0xE2, 0x80), (0xE3, 0x80), (0xEF, 0xBC): false
    default: byte >= 0x80 || (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
    }
  }

  private static func lowered(_ byte: UInt8) -> UInt8 {
    (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
  }
}

/// A hash of bytes with 64 bits: FNV-1a, its bits mixed at the end (the finalizer of SplitMix64). Two of a
/// million rows have the same by chance once in tens of millions of files.
struct ByteHash {
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func add(_ byte: UInt8) { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }

  var value: UInt64 {
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
