/// How the tokens of a text become the text: steps that rewrite the list of tokens, whose results
/// are then put together. The steps are those of `tokenizer.json`.
struct TokenDecoder: Sendable {
  enum Step: Sendable {
    /// Characters of the byte alphabet become bytes; all tokens together are one text.
    case byteLevel
    /// Neighbouring `<0xHH>` become the characters whose bytes they are.
    case byteFallback
    case fuse
    case replacement(Pattern, with: [UInt8])
    case literalReplacement([UInt8], with: [UInt8])
    /// Drops up to so many times `content` at both ends of each token.
    case strip(content: [UInt8], start: Int, end: Int)
    /// `mark` becomes a space, at the start of the first token nothing (with `dropsFirst`).
    case metaspace(mark: [UInt8], dropsFirst: Bool)
    case wordPiece(mark: [UInt8], cleansUp: Bool)
    /// `suffix` becomes a space, at the end of the text nothing.
    case wordSuffix([UInt8])
    case connectionist(padding: [UInt8], delimiter: [UInt8], cleansUp: Bool)
  }

  let steps: [Step]
  /// Written between the results.
  var separator: [UInt8] = []

  /// Whether a text is the bytes of its tokens one after the other.
  var isPlainBytes: Bool {
    !steps.isEmpty
      && steps.allSatisfy {
        switch $0 {
        case .byteLevel, .fuse: true
        default: false
        }
      }
  }

  /// - Parameter tokens: As the vocabulary spells them.
  func text(of tokens: [[UInt8]]) -> String {
    let parts = steps.reduce(tokens) { Self.apply($1, to: $0) }
    return String(decoding: Array(parts.joined(separator: separator)), as: UTF8.self)
  }

  private static func apply(_ step: Step, to tokens: [[UInt8]]) -> [[UInt8]] {
    switch step {
    case .byteLevel:
      let bytes = tokens.flatMap { token in
        ByteAlphabet.bytes(spelledBy: String(decoding: token, as: UTF8.self)) ?? token
      }
      return [Array(String(decoding: bytes, as: UTF8.self).utf8)]
    case .fuse: return [Array(tokens.joined())]
    case .byteFallback: return joinBytes(tokens)
    case .literalReplacement(let literal, let content):
      return tokens.map { $0.replacing(literal, with: content) }
    case .replacement(let pattern, let content):
      let scratch = MatchScratch()
      return tokens.map { pattern.replace(in: $0, with: content, scratch) }
    case .strip(let content, let start, let end):
      return tokens.map { strip($0, content, start, end) }
    case .metaspace(let mark, let dropsFirst):
      return tokens.enumerated().map { index, token in
        let rest = index == 0 && dropsFirst ? token.dropping(mark) : token
        return rest.replacing(mark, with: [UInt8(ascii: " ")])
      }
    case .wordPiece(let mark, let cleansUp):
      return tokens.enumerated().map { index, token in
        var token = token
        if index > 0 {
          token = token.starts(with: mark) ? Array(token[mark.count...]) : Array(" ".utf8) + token
        }
        return cleansUp ? WordPieceCleanup.clean(token) : token
      }
    case .wordSuffix(let suffix):
      return tokens.enumerated().map { index, token in
        token.replacing(suffix, with: index == tokens.count - 1 ? [] : Array(" ".utf8))
      }
    case .connectionist(let padding, let delimiter, let cleansUp):
      return connect(tokens, padding, delimiter, cleansUp)
    }
  }

  /// Bytes that are no UTF-8 become U+FFFD each.
  private static func joinBytes(_ tokens: [[UInt8]]) -> [[UInt8]] {
    var result: [[UInt8]] = []
    var run: [UInt8] = []
    func finish() {
      if run.isEmpty { return }
      let isText = String(validating: run, as: UTF8.self) != nil
      if isText {
        result.append(run)
      } else {
        for _ in run { result.append(Array("\u{FFFD}".utf8)) }
      }
      run = []
    }
    for token in tokens {
      if let byte = byte(spelledBy: token) {
        run.append(byte)
      } else {
        finish()
        result.append(token)
      }
    }
    finish()
    return result
  }

  /// The byte that a token such as `<0x0A>` stands for.
  static func byte(spelledBy token: [UInt8]) -> UInt8? {
    guard token.count == 6, token.starts(with: "<0x".utf8), token[5] == UInt8(ascii: ">") else {
      return nil
    }
    return UInt8(String(decoding: token[3..<5], as: UTF8.self), radix: 16)
  }

  private static func strip(
    _ token: [UInt8], _ content: [UInt8], _ start: Int, _ end: Int
  ) -> [UInt8] {
    if content.isEmpty { return token }
    var rest = token[...]
    for _ in 0..<start where rest.starts(with: content) { rest = rest.dropFirst(content.count) }
    for _ in 0..<end where rest.suffix(content.count).elementsEqual(content) {
      rest = rest.dropLast(content.count)
    }
    return Array(rest)
  }

  /// Connectionist temporal classification: repeated tokens count once, padding not at all.
  private static func connect(
    _ tokens: [[UInt8]], _ padding: [UInt8], _ delimiter: [UInt8], _ cleansUp: Bool
  ) -> [[UInt8]] {
    var result: [[UInt8]] = []
    var last: [UInt8]?
    for token in tokens where token != last {
      last = token
      var text = token.replacing(padding, with: [])
      if cleansUp {
        text = WordPieceCleanup.clean(text).replacing(delimiter, with: Array(" ".utf8))
      }
      if !text.isEmpty { result.append(text) }
    }
    return result
  }
}

/// Removes spaces before punctuation and contractions, as the decoder "WordPiece" does.
enum WordPieceCleanup {
  private static let rules: [([UInt8], [UInt8])] = [
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
    (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
  ].map { (Array($0.utf8), Array($1.utf8)) }

  static func clean(_ token: [UInt8]) -> [UInt8] {
    rules.reduce(token) { $0.replacing($1.0, with: $1.1) }
  }
}

extension [UInt8] {
  /// Every occurrence of `literal`, from left to right, replaced.
  func replacing(_ literal: [UInt8], with content: [UInt8]) -> [UInt8] {
    guard let first = literal.first, count >= literal.count else { return self }
    var result: [UInt8] = []
    var index = 0
    while index < count {
      if self[index] == first, self[index...].starts(with: literal) {
        result += content
        index += literal.count
      } else {
        result.append(self[index])
        index += 1
      }
    }
    return result
  }

  /// Without `prefix` at the start.
  func dropping(_ prefix: [UInt8]) -> [UInt8] {
    !prefix.isEmpty && starts(with: prefix) ? Array(self[prefix.count...]) : self
  }
}
