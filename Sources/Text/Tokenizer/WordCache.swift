/// Remembers the tokens of short words: natural text repeats a few thousand words, and looking one
/// up costs a tenth of merging it again.
///
/// Direct-mapped and of fixed size, so that it neither grows nor needs bookkeeping: a new word
/// takes the place of the one that hashed there before. A slot is six 64-bit numbers:
/// 16 bytes of the word · length, token count and where each token ends · up to six token ids.
/// Owned by one `EncodingScratch` and used by one thread at a time.
final class WordCache {
  static let longestWord = 16
  static let mostTokens = 6

  private static let slotCount = 1 << 15
  private static let stride = 6

  private let slots: UnsafeMutablePointer<UInt64>

  init() {
    slots = .allocate(capacity: Self.slotCount * Self.stride)
    slots.initialize(repeating: 0, count: Self.slotCount * Self.stride)
  }

  deinit { slots.deallocate() }

  /// A word of 1 to 16 bytes, and the slot it belongs to.
  struct Key {
    let low: UInt64
    let high: UInt64
    let length: Int
    fileprivate let slot: Int

    @inline(__always)
    init(_ word: UnsafeBufferPointer<UInt8>) {
      var low: UInt64 = 0
      var high: UInt64 = 0
      for index in 0..<min(word.count, 8) { low |= UInt64(word[index]) << UInt64(index * 8) }
      for index in 8..<max(word.count, 8) { high |= UInt64(word[index]) << UInt64(index * 8 - 64) }
      self.low = low
      self.high = high
      length = word.count
      let mixed =
        (low &* 0x9E37_79B9_7F4A_7C15) ^ (high &* 0xC2B2_AE3D_27D4_EB4F) ^ UInt64(word.count)
      slot = Int(((mixed ^ mixed >> 29) &* 0x9E37_79B9_7F4A_7C15) >> (64 - 15))
    }
  }

  /// Calls `body` with the id and the end (in bytes from the start of the word) of each token.
  /// Returns false if the word is not here.
  @inline(__always)
  func forEachToken(of key: Key, _ body: (_ id: Int32, _ end: Int) -> Void) -> Bool {
    let slot = slots + key.slot * Self.stride
    let shape = slot[2]
    guard slot[0] == key.low, slot[1] == key.high, shape & 0xFF == UInt64(key.length) else {
      return false
    }
    for index in 0..<Int(shape >> 8 & 0xFF) {
      let id = UInt32(truncatingIfNeeded: slot[3 + index >> 1] >> UInt64((index & 1) * 32))
      body(Int32(bitPattern: id), Int(shape >> UInt64(16 + index * 8) & 0xFF))
    }
    return true
  }

  /// Remembers a word of at most `mostTokens` tokens.
  func store(
    _ key: Key, ids: UnsafeMutablePointer<Int32>, ends: UnsafeMutablePointer<Int32>, count: Int
  ) {
    let slot = slots + key.slot * Self.stride
    var shape = UInt64(key.length) | UInt64(count) << 8
    for index in 3..<6 { slot[index] = 0 }
    for index in 0..<count {
      shape |= UInt64(ends[index]) << UInt64(16 + index * 8)
      slot[3 + index >> 1] |= UInt64(UInt32(bitPattern: ids[index])) << UInt64((index & 1) * 32)
    }
    (slot[0], slot[1], slot[2]) = (key.low, key.high, shape)
  }
}
