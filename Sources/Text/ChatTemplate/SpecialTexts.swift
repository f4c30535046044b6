/// The texts of a model's special tokens, found in rendered text.
struct SpecialTexts: Sendable {
  /// As UTF-8, the longest first.
  private let texts: [[UInt8]]

  init(_ texts: [String]) {
    self.texts = texts.map { Array($0.utf8) }.filter { !$0.isEmpty }
      .sorted { $0.count > $1.count }
  }

  /// The special token that begins at `position`.
  func token(at position: Int, in text: [UInt8]) -> [UInt8]? {
    texts.first { text[position...].starts(with: $0) }
  }

  /// The special token that ends at `position`.
  func token(endingAt position: Int, in text: [UInt8]) -> [UInt8]? {
    texts.first { $0.count <= position && text[..<position].suffix($0.count).elementsEqual($0) }
  }

  /// The bounds of the special token that `position` cuts in two; `position` itself if it cuts none.
  func bounds(across position: Int, in text: [UInt8]) -> Range<Int> {
    for token in texts where token.count > 1 {
      for start in max(0, position - token.count + 1)..<max(1, position)
      where start < position && text[start...].starts(with: token) {
        return start..<start + token.count
      }
    }
    return position..<position
  }

  /// The last special token in a text.
  func last(in text: [UInt8]) -> [UInt8]? {
    for end in stride(from: text.count, to: 0, by: -1) {
      if let token = token(endingAt: end, in: text) { return token }
    }
    return nil
  }

  /// How often a token stands in a text.
  static func count(_ token: [UInt8], in text: [UInt8]) -> Int {
    var (count, start) = (0, 0)
    while let place = PythonString.find(token, in: text, from: start) {
      count += 1
      start = place + token.count
    }
    return count
  }
}
