/// Gives out the text of tokens as they come: whole characters only, and together the text that
/// decoding all of them at once gives.
package struct TokenStream {
  /// Tokens kept as context when their text is out: what they begin with (a space that is dropped,
  /// a mark) can change what follows.
  private static let contextLength = 4
  /// Characters have up to four bytes; a longer run without a whole one will not become text.
  private static let longestPending = 8

  private let tokenizer: Tokenizer
  private let skipsSpecialTokens: Bool
  /// The end of what came in, and how many bytes of its text are out.
  private var tokens: [Int32] = []
  private var written = 0
  private var pending = 0
  private var bytes = UTF8Stream()

  init(_ tokenizer: Tokenizer, skipsSpecialTokens: Bool) {
    self.tokenizer = tokenizer
    self.skipsSpecialTokens = skipsSpecialTokens
  }

  /// The text that is certain with this token; may be empty.
  package mutating func append(_ id: Int32) -> String {
    if skipsSpecialTokens, tokenizer.isSpecial(id) { return "" }
    if tokenizer.decodesToBytes { return bytes.append(tokenizer.plainBytes(id)) }
    tokens.append(id)
    pending += 1
    let text = Array(tokenizer.decode(tokens, skipSpecialTokens: false).utf8)
    let isComplete = !text.suffix(3).elementsEqual("\u{FFFD}".utf8)
    guard isComplete || pending > Self.longestPending else { return "" }
    return flush(text)
  }

  /// What is left, with replacement characters where it is no text.
  package mutating func finish() -> String {
    if tokenizer.decodesToBytes { return bytes.finish() }
    return flush(Array(tokenizer.decode(tokens, skipSpecialTokens: false).utf8))
  }

  private mutating func flush(_ text: [UInt8]) -> String {
    let new = String(decoding: text.dropFirst(written), as: UTF8.self)
    pending = 0
    written = text.count
    if tokens.count > 4 * Self.contextLength {
      // A context never begins inside a character that is spelled in bytes.
      var start = tokens.count - Self.contextLength
      while start > 0, tokenizer.isInsideCharacter(tokens[start]) { start -= 1 }
      tokens.removeFirst(start)
      written = tokenizer.decode(tokens, skipSpecialTokens: false).utf8.count
    }
    return new
  }
}
