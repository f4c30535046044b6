/// The symbols of a word of a byte-level vocabulary: one a byte.
struct ByteSpelling: Sendable {
  /// The token of each byte, or -1 where the vocabulary has none.
  private let ids: [Int32]
  private let unknown: BytePairEncoder.Unknown?

  init(_ vocabulary: Vocabulary, unknown: BytePairEncoder.Unknown?) {
    ids = (0..<256).map { vocabulary.id(ofBytes: [UInt8($0)]) ?? -1 }
    self.unknown = unknown
  }

  /// Whether there are bytes that no token stands for alone.
  var lacksBytes: Bool { ids.contains(-1) }

  /// Leaves the symbols in `symbols`, which has room for them, and returns how many they are. Bytes
  /// without a token become the unknown token or, where there is none either, vanish, as they do in
  /// Hugging Face's tokenizers.
  func spell(_ word: UnsafeBufferPointer<UInt8>, _ symbols: SymbolBuffer) -> Int {
    var count = 0
    var followsUnknown = false
    ids.withUnsafeBufferPointer { ids in
      for index in 0..<word.count {
        let id = ids[Int(word[index])]
        if id < 0, followsUnknown, let unknown, unknown.isFused {
          symbols.ends[count - 1] = Int32(index + 1)
          continue
        }
        followsUnknown = id < 0
        guard let symbol = id >= 0 ? id : unknown?.id else { continue }
        symbols.ids[count] = symbol
        symbols.ends[count] = Int32(index + 1)
        count += 1
      }
    }
    return count
  }
}
