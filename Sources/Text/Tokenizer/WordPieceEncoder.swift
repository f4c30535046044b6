/// WordPiece (Devlin et al., 2019, arXiv:1810.04805): the longest token that a word begins with,
/// then the longest that goes on with it ("##ing"), and so forth. A word with a rest that no token
/// fits becomes one unknown token.
struct WordPieceEncoder: Sendable {
  let vocabulary: Vocabulary
  let unknown: Int32
  /// Written before tokens that do not begin a word, or, `marksBeginnings`, before those that do.
  let mark: [UInt8]
  var marksBeginnings = false
  /// Words of more characters than this are unknown as a whole.
  let longestWord: Int
  /// Tokens of more bytes than this do not exist.
  private let longestToken: Int

  init(
    vocabulary: Vocabulary, unknown: Int32, mark: [UInt8], marksBeginnings: Bool = false,
    longestWord: Int
  ) {
    self.vocabulary = vocabulary
    self.unknown = unknown
    self.mark = mark
    self.marksBeginnings = marksBeginnings
    self.longestWord = longestWord
    longestToken = (0..<vocabulary.size).reduce(0) { max($0, vocabulary.bytes(of: $1)?.count ?? 0) }
  }

  func encode(
    _ word: Range<Int>, of bytes: UnsafeBufferPointer<UInt8>, _ scratch: EncodingScratch,
    into output: inout TokenOutput
  ) {
    let characters = bytes[word].reduce(0) { $0 + ($1 & 0xC0 != 0x80 ? 1 : 0) }
    output.start(at: word.lowerBound)
    guard characters <= longestWord, let pieces = pieces(of: word, in: bytes, scratch) else {
      return output.append(unknown, end: word.upperBound)
    }
    for (id, end) in pieces { output.append(id, end: end) }
  }

  private func pieces(
    of word: Range<Int>, in bytes: UnsafeBufferPointer<UInt8>, _ scratch: EncodingScratch
  ) -> [(id: Int32, end: Int)]? {
    var pieces: [(id: Int32, end: Int)] = []
    var start = word.lowerBound
    while start < word.upperBound {
      var piece = (start > word.lowerBound) != marksBeginnings ? mark : []
      let markLength = piece.count
      piece += bytes[start..<min(word.upperBound, start + longestToken)]
      var found: Int32?
      while found == nil, piece.count > markLength {
        found = vocabulary.id(ofBytes: piece)
        if found != nil { break }
        // Shorter by one character.
        while let last = piece.popLast(), last & 0xC0 == 0x80 {}
      }
      guard let found else { return nil }
      start += piece.count - markLength
      pieces.append((found, start))
    }
    return pieces
  }
}
