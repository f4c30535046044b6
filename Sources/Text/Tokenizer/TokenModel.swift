/// What turns a word into tokens.
enum TokenModel: Sendable {
  case bytePairs(BytePairEncoder)
  case unigram(UnigramEncoder)
  case wordPiece(WordPieceEncoder)
  case wordLevel(WordLevelEncoder)

  /// Appends the tokens of `bytes[word]`, which is not empty, to `output`.
  @inline(__always)
  func encode(
    _ word: Range<Int>, of bytes: UnsafeBufferPointer<UInt8>, _ scratch: EncodingScratch,
    into output: inout TokenOutput
  ) {
    switch self {
    case .bytePairs(let encoder): encoder.encode(word, of: bytes, scratch, into: &output)
    case .unigram(let encoder): encoder.encode(word, of: bytes, scratch, into: &output)
    case .wordPiece(let encoder): encoder.encode(word, of: bytes, scratch, into: &output)
    case .wordLevel(let encoder): encoder.encode(word, of: bytes, into: &output)
    }
  }

  /// The same words in smaller parts where those have the same tokens.
  func subdivide(_ words: [Range<Int>], of bytes: UnsafeBufferPointer<UInt8>) -> [Range<Int>] {
    guard case .bytePairs(let encoder) = self else { return words }
    return encoder.subdivide(words, of: bytes)
  }
}
