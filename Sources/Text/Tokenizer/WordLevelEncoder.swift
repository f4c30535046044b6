/// One token a word: the word itself, or the unknown token.
struct WordLevelEncoder: Sendable {
  let vocabulary: Vocabulary
  let unknown: Int32

  func encode(
    _ word: Range<Int>, of bytes: UnsafeBufferPointer<UInt8>, into output: inout TokenOutput
  ) {
    let id = vocabulary.id(ofBytes: UnsafeBufferPointer(rebasing: bytes[word]))
    output.append(id ?? unknown, word)
  }
}
