/// The symbols of a word of a vocabulary of characters: one a character, `<0xHH>` tokens for those
/// that the vocabulary lacks, or the unknown token.
struct CharacterSpelling: Sendable {
  /// Written before a character that does not begin its word, and behind one that ends it.
  struct Marks: Sendable {
    var prefix: [UInt8] = []
    var suffix: [UInt8] = []
    var isEmpty: Bool { prefix.isEmpty && suffix.isEmpty }
  }

  private let vocabulary: Vocabulary
  private let marks: Marks
  private let unknown: BytePairEncoder.Unknown?
  /// The tokens `<0x00>` to `<0xFF>`, or -1 for one that is missing; empty where bytes do not stand
  /// in for characters.
  private let byteIDs: [Int32]
  /// Ids above the vocabulary's of characters that are no token but part of one.
  private let provisional: [UInt32: Int32]
  /// Tokens of the characters below U+10000, or -1.
  private let basicPlane: [Int32]

  init(
    _ vocabulary: Vocabulary, unknown: BytePairEncoder.Unknown?, usesBytes: Bool,
    marks: Marks = Marks(), provisional: [UInt32: Int32] = [:]
  ) {
    self.vocabulary = vocabulary
    self.unknown = unknown
    self.marks = marks
    self.provisional = provisional
    byteIDs =
      usesBytes ? (0..<256).map { vocabulary.id(of: Self.spelling(ofByte: UInt8($0))) ?? -1 } : []
    var table = [Int32](repeating: -1, count: marks.isEmpty ? 0x10000 : 0)
    for value in table.indices {
      guard let scalar = Unicode.Scalar(UInt32(value)) else { continue }
      let id = vocabulary.id(
        ofBytes: Array(UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter))
      table[value] = id ?? provisional[UInt32(value)] ?? -1
    }
    basicPlane = table
  }

  /// `<0x0A>` for a line feed.
  static func spelling(ofByte byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return "<0x\(digits.utf8.count < 2 ? "0" : "")\(digits)>"
  }

  var hasProvisionalIDs: Bool { !provisional.isEmpty }

  /// Whether the tokens of a word are those of its parts, cut before known characters.
  var isDivisible: Bool {
    marks.isEmpty && (byteIDs.isEmpty || !byteIDs.contains(-1) || unknown == nil)
  }

  /// Whether the character is a symbol by itself.
  func knows(_ scalar: UInt32) -> Bool {
    if provisional[scalar] != nil { return true }
    guard let scalar = Unicode.Scalar(scalar), let bytes = UTF8.encode(scalar) else { return false }
    return vocabulary.id(ofBytes: Array(bytes)) != nil
  }

  /// Leaves the symbols in `symbols`, which has room for one a byte, and returns how many they are.
  /// Characters without any token vanish, as they do in Hugging Face's tokenizers.
  func spell(_ word: UnsafeBufferPointer<UInt8>, _ symbols: SymbolBuffer) -> Int {
    var count = 0
    var index = 0
    // The end of an unknown part that is not a symbol yet.
    var unknownEnd = 0
    func append(_ id: Int32, _ end: Int) {
      (symbols.ids[count], symbols.ends[count]) = (id, Int32(end))
      count += 1
    }
    while index < word.count {
      let start = index
      index += UTF8Text.length(ofScalarAt: start, in: word)
      let id = id(ofCharacter: start..<index, in: word)
      if id >= 0 {
        if unknownEnd > 0, let unknown { append(unknown.id, unknownEnd) }
        unknownEnd = 0
        append(id, index)
      } else if let bytes = byteSymbols(start..<index, in: word) {
        for (place, byte) in bytes.enumerated() { append(byte, start + place + 1) }
      } else if let unknown {
        if unknownEnd > 0, !unknown.isFused { append(unknown.id, unknownEnd) }
        unknownEnd = index
      }
    }
    if unknownEnd > 0, let unknown { append(unknown.id, unknownEnd) }
    return count
  }

  @inline(__always)
  private func id(ofCharacter range: Range<Int>, in word: UnsafeBufferPointer<UInt8>) -> Int32 {
    if marks.isEmpty {
      let value = UTF8Text.scalar(at: range.lowerBound, in: word).value
      if value < 0x10000 { return basicPlane[Int(value)] }
      return vocabulary.id(ofBytes: UnsafeBufferPointer(rebasing: word[range]))
        ?? provisional[value] ?? -1
    }
    return vocabulary.id(ofBytes: marked(range, in: word)) ?? -1
  }

  private func marked(_ range: Range<Int>, in word: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    (range.lowerBound > 0 ? marks.prefix : []) + word[range]
      + (range.upperBound == word.count ? marks.suffix : [])
  }

  /// The byte tokens of a character (with its marks), if all of them exist.
  private func byteSymbols(
    _ range: Range<Int>, in word: UnsafeBufferPointer<UInt8>
  ) -> [Int32]? {
    if byteIDs.isEmpty { return nil }
    let bytes = marks.isEmpty ? Array(word[range]) : marked(range, in: word)
    let ids = bytes.map { byteIDs[Int($0)] }
    return ids.contains(-1) ? nil : ids
  }

  /// Replaces symbols that have remained provisional by their bytes or by the unknown token.
  func replaceProvisional(
    _ symbols: SymbolBuffer, count: Int, in word: UnsafeBufferPointer<UInt8>
  ) -> Int {
    let limit = Int32(vocabulary.size)
    guard (0..<count).contains(where: { symbols.ids[$0] >= limit }) else { return count }
    var result: [(id: Int32, end: Int32)] = []
    for index in 0..<count {
      let start = index > 0 ? symbols.ends[index - 1] : 0
      let end = symbols.ends[index]
      if symbols.ids[index] < limit {
        result.append((symbols.ids[index], end))
      } else if let bytes = byteSymbols(Int(start)..<Int(end), in: word) {
        for (place, id) in bytes.enumerated() { result.append((id, start + Int32(place) + 1)) }
      } else if let unknown {
        if unknown.isFused, result.last?.id == unknown.id { result.removeLast() }
        result.append((unknown.id, end))
      }
    }
    for (index, symbol) in result.enumerated() {
      (symbols.ids[index], symbols.ends[index]) = symbol
    }
    return result.count
  }
}
