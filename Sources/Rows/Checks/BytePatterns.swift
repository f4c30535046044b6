/// Some texts that are looked for in others, byte for byte.
struct BytePatterns: Sendable {
  /// By first byte, the longest first.
  private let patterns: [[[UInt8]]]
  private let ignoresCase: Bool
  /// A bit for each pair of bytes with which a text may begin: most places are passed over at one look.
  private let beginnings: [UInt64]

  /// - Parameter ignoresCase: Of ASCII letters; the texts have to be in lower case then.
  init(_ texts: [String], ignoresCase: Bool = false) {
    var patterns = [[[UInt8]]](repeating: [], count: 256)
    for text in texts {
      let bytes = Array(text.utf8)
      guard let first = bytes.first else { continue }
      patterns[Int(first)].append(bytes)
    }
    self.patterns = patterns.map { $0.sorted { $0.count > $1.count } }
    self.ignoresCase = ignoresCase
    beginnings = Self.beginnings(patterns.flatMap { $0 }, ignoresCase: ignoresCase)
  }

  private static func beginnings(_ patterns: [[UInt8]], ignoresCase: Bool) -> [UInt64] {
    func cases(_ byte: UInt8) -> [UInt8] {
      ignoresCase && (0x61...0x7A).contains(byte) ? [byte, byte & ~0x20] : [byte]
    }
    var bits = [UInt64](repeating: 0, count: 1024)
    for pattern in patterns {
      for first in cases(pattern[0]) {
        for second in pattern.count > 1 ? cases(pattern[1]) : Array(0...255) {
          let pair = Int(first) << 8 | Int(second)
          bits[pair >> 6] |= 1 << UInt64(pair & 63)
        }
      }
    }
    return bits
  }

  /// The first of the texts that stands in `bytes`, and where.
  func first(in bytes: [UInt8], from start: Int = 0) -> (range: Range<Int>, text: String)? {
    var start = start
    while let index = nextBeginning(in: bytes, from: start) {
      for pattern in patterns[Int(lowered(bytes[index]))] where matches(pattern, bytes, index) {
        return (index..<index + pattern.count, String(decoding: pattern, as: UTF8.self))
      }
      start = index + 1
    }
    return nil
  }

  private func nextBeginning(in bytes: [UInt8], from start: Int) -> Int? {
    bytes.withUnsafeBufferPointer { bytes in
      beginnings.withUnsafeBufferPointer { bits in
        var index = start
        while index < bytes.count {
          // Behind the last byte stands none, which only a text of one byte bears.
          let second = index + 1 < bytes.count ? bytes[index + 1] : 0
          let pair = Int(bytes[index]) << 8 | Int(second)
          if bits[pair >> 6] >> UInt64(pair & 63) & 1 != 0 { return index }
          index += 1
        }
        return nil
      }
    }
  }

  /// All of them, one behind the other, each once.
  func all(in bytes: [UInt8]) -> [String] {
    var texts: [String] = []
    var start = 0
    while let found = first(in: bytes, from: start) {
      if !texts.contains(found.text) { texts.append(found.text) }
      start = found.range.upperBound
    }
    return texts
  }

  private func matches(_ pattern: [UInt8], _ bytes: [UInt8], _ index: Int) -> Bool {
    guard index + pattern.count <= bytes.count else { return false }
    for offset in pattern.indices where lowered(bytes[index + offset]) != pattern[offset] {
      return false
    }
    return true
  }

  private func lowered(_ byte: UInt8) -> UInt8 {
    ignoresCase && (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
  }
}
