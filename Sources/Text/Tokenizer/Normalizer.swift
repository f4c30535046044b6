@_spi(_Unicode) import Swift

/// What happens to the text between two added tokens before it is cut into words.
struct Normalizer: Sendable {
  enum Step: Sendable {
    /// Canonical composition (Unicode normalization form C).
    case composition
    /// Every character becomes its lower case, by itself (no rules that look at neighbours).
    case lowercase
    case replacement(Pattern, with: String)
    /// Put before a text that is not empty.
    case prefix(String)
  }

  let steps: [Step]

  /// The normalized text, or nil where it is the text itself.
  func normalize(_ text: UnsafeBufferPointer<UInt8>, _ scratch: EncodingScratch) -> AlignedText? {
    let effective = steps.filter { step in
      if case .composition = step { !Self.isSurelyComposed(text) } else { true }
    }
    if effective.isEmpty || text.isEmpty { return nil }
    return effective.reduce(AlignedText(text)) { result, step in
      result.rewritten { Self.apply(step, to: $0, &$1, scratch) }
    }
  }

  private static func apply(
    _ step: Step, to text: UnsafeBufferPointer<UInt8>, _ result: inout AlignedText,
    _ scratch: EncodingScratch
  ) {
    switch step {
    case .composition: compose(text, into: &result)
    case .lowercase: lowercase(text, into: &result)
    case .prefix(let prefix):
      if !text.isEmpty { result.append(prefix.utf8, from: 0..<0) }
      for index in 0..<text.count { result.append(text[index], from: index..<index + 1) }
    case .replacement(let pattern, let content):
      var done = 0
      pattern.forEachMatch(in: text, scratch.matching) { match in
        for index in done..<match.lowerBound { result.append(text[index], from: index..<index + 1) }
        result.append(content.utf8, from: match)
        done = match.upperBound
      }
      for index in done..<text.count { result.append(text[index], from: index..<index + 1) }
    }
  }

  private static func lowercase(
    _ text: UnsafeBufferPointer<UInt8>, into result: inout AlignedText
  ) {
    var index = 0
    while index < text.count {
      let end = index + UTF8Text.length(ofScalarAt: index, in: text)
      let lower = UTF8Text.scalar(at: index, in: text).properties.lowercaseMapping
      result.append(lower.utf8, from: index..<end)
      index = end
    }
  }

  /// Composes one `Character` at a time: composition never crosses the border between two of them.
  private static func compose(_ text: UnsafeBufferPointer<UInt8>, into result: inout AlignedText) {
    var index = 0
    for character in String(decoding: text, as: UTF8.self) {
      let part = String(character)
      let end = index + part.utf8.count
      var composed = String.UnicodeScalarView()
      composed.append(contentsOf: part._nfc)
      if String(composed).utf8.elementsEqual(part.utf8) {
        for place in index..<end { result.append(text[place], from: place..<place + 1) }
      } else {
        result.append(String(composed).utf8, from: index..<end)
      }
      index = end
    }
  }

  /// Whether every character is of a block that composition leaves alone, which is nearly always:
  /// a quick look that spares most texts a copy.
  private static func isSurelyComposed(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    var index = 0
    while index < text.count {
      if text[index] < 0xCC {
        index += 1
        continue
      }
      switch UTF8Text.scalar(at: index, in: text).value {
      // Cyrillic; general punctuation; CJK punctuation and kana without the voicing marks;
      // ideographs; Hangul syllables; full-width forms; emoji.
      case 0x400...0x482, 0x2010...0x2027, 0x3001...0x3029, 0x3041...0x3096, 0x30A1...0x30FF,
        0x3400...0x9FFF, 0xAC00...0xD7A3, 0xFF01...0xFFEF, 0x1F300...0x1FAFF:
        index += UTF8Text.length(ofScalarAt: index, in: text)
      default: return false
      }
    }
    return true
  }
}
