/// What happens to the text between two added tokens before it is cut into words.
struct Normalizer: Sendable {
  enum Step: Sendable {
    /// One of Unicode's normalization forms.
    case form(NormalizationForm)
    /// Every character becomes its lower case, by itself (no rules that look at neighbours).
    case lowercase
    /// Drops combining marks.
    case withoutMarks
    case replacement(Pattern, with: [UInt8])
    /// Every occurrence of the first text becomes the second.
    case literalReplacement([UInt8], with: [UInt8])
    /// Put before a text that is not empty.
    case prefix([UInt8])
    /// Drops white space at the ends.
    case trimmed(left: Bool, right: Bool)
    /// White space of many kinds becomes a space, control characters vanish.
    case plainSpaces
    case map(CharacterMap)
    case bert(BERTNormalizer)
    /// Bytes become the characters that spell them.
    case spelled
    case sentencePiece(SentencePieceNormalizer)
  }

  let steps: [Step]

  /// The normalized text, or nil where it is the text itself.
  func normalize(
    _ text: UnsafeBufferPointer<UInt8>, _ scratch: EncodingScratch, isTracking: Bool
  ) -> AlignedText? {
    if text.isEmpty { return nil }
    var result: AlignedText?
    for step in steps {
      if let before = result {
        if before.bytes.withUnsafeBufferPointer({ Self.leaves($0, asItIs: step) }) { continue }
        result = before.rewritten { Self.apply(step, to: $0, &$1, scratch) }
      } else if !Self.leaves(text, asItIs: step) {
        var first = AlignedText(isTracking: isTracking, capacity: text.count + text.count / 4 + 16)
        Self.apply(step, to: text, &first, scratch)
        result = first
      }
    }
    return result
  }

  /// Whether a step surely changes nothing: a quick look that spares most texts a copy.
  private static func leaves(_ text: UnsafeBufferPointer<UInt8>, asItIs step: Step) -> Bool {
    switch step {
    case .form(let form): form.surelyLeaves(text)
    case .literalReplacement(let literal, _):
      literal.count == 1 && !text.contains(literal[0])
    default: false
    }
  }

  private static func apply(
    _ step: Step, to text: UnsafeBufferPointer<UInt8>, _ result: inout AlignedText,
    _ scratch: EncodingScratch
  ) {
    switch step {
    case .form(let form): form.apply(to: text, &result)
    case .lowercase: CharacterChange.lowercase(text, &result)
    case .withoutMarks: CharacterChange.dropMarks(text, &result)
    case .plainSpaces: CharacterChange.plainSpaces(text, &result)
    case .prefix(let prefix):
      if !text.isEmpty { result.append(prefix, from: 0..<0) }
      result.copy(0..<text.count, of: text)
    case .trimmed(let left, let right):
      let start = left ? UTF8Text.endOfSpace(from: 0, in: text) : 0
      let end = right ? UTF8Text.startOfSpace(before: text.count, in: text) : text.count
      if start < end { result.copy(start..<end, of: text) }
    case .replacement(let pattern, let content):
      var done = 0
      pattern.forEachMatch(in: text, scratch.matching) { match in
        result.copy(done..<match.lowerBound, of: text)
        result.append(content, from: match)
        done = match.upperBound
      }
      result.copy(done..<text.count, of: text)
    case .literalReplacement(let literal, let content):
      replace(literal, with: content, in: text, &result)
    case .map(let map): map.apply(to: text, &result)
    case .bert(let normalizer): normalizer.apply(to: text, &result)
    case .sentencePiece(let normalizer): normalizer.apply(to: text, &result)
    case .spelled:
      for index in 0..<text.count {
        ByteAlphabet.appendSpelling(of: text[index], from: index..<index + 1, to: &result)
      }
    }
  }

  /// From left to right, without overlaps.
  private static func replace(
    _ literal: [UInt8], with content: [UInt8], in text: UnsafeBufferPointer<UInt8>,
    _ result: inout AlignedText
  ) {
    guard let first = literal.first else { return result.copy(0..<text.count, of: text) }
    var done = 0
    var index = 0
    while index + literal.count <= text.count {
      guard text[index] == first,
        literal.count == 1 || text[index..<index + literal.count].elementsEqual(literal)
      else {
        index += 1
        continue
      }
      if done < index { result.copy(done..<index, of: text) }
      result.append(content, from: index..<index + literal.count)
      index += literal.count
      done = index
    }
    if done < text.count { result.copy(done..<text.count, of: text) }
  }
}
