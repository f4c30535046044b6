/// Collects bytes of tokens and gives out whole characters: a token may end inside one.
struct UTF8Stream {
  private var pending: [UInt8] = []

  mutating func append(_ bytes: [UInt8]) -> String {
    pending += bytes
    // The last up to three bytes may be the beginning of a character.
    var complete = pending.count
    for back in 1...min(4, max(pending.count, 1)) where back <= pending.count {
      let byte = pending[pending.count - back]
      guard byte & 0xC0 != 0x80 else { continue }
      let length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
      if length > back { complete = pending.count - back }
      break
    }
    defer { pending.removeFirst(complete) }
    return String(decoding: pending[..<complete], as: UTF8.self)
  }

  /// What is left, with replacement characters where it is no text.
  mutating func finish() -> String {
    defer { pending = [] }
    return String(decoding: pending, as: UTF8.self)
  }
}
