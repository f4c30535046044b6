/// Some texts that are looked for in others, byte for byte.
struct BytePatterns: Sendable {
  /// By first byte, the longest first.
  private let patterns: [[[UInt8]]]
  private let ignoresCase: Bool

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
  }

  /// The first of the texts that stands in `bytes`, and where.
  func first(in bytes: [UInt8], from start: Int = 0) -> (range: Range<Int>, text: String)? {
    for index in bytes.indices.dropFirst(start) {
      let candidates = patterns[Int(lowered(bytes[index]))]
      if candidates.isEmpty { continue }
      for pattern in candidates where matches(pattern, bytes, index) {
        return (index..<index + pattern.count, String(decoding: pattern, as: UTF8.self))
      }
    }
    return nil
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
