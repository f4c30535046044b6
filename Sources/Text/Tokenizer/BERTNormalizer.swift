/// The normalizer of BERT: cleans white space and controls, sets ideographs apart, drops accents,
/// writes small letters.
struct BERTNormalizer: Sendable {
  let cleansText: Bool
  let isolatesIdeographs: Bool
  let dropsAccents: Bool
  let isLowercase: Bool

  func apply(to text: UnsafeBufferPointer<UInt8>, _ result: inout AlignedText) {
    var current = AlignedText(text, isTracking: result.isTracking)
    if cleansText { current = current.rewritten(Self.clean) }
    if isolatesIdeographs { current = current.rewritten(Self.isolateIdeographs) }
    if dropsAccents {
      if !current.bytes.withUnsafeBufferPointer(NormalizationForm.decomposed.surelyLeaves) {
        current = current.rewritten { NormalizationForm.decomposed.apply(to: $0, &$1) }
        current = current.rewritten(Self.dropAccents)
      }
    }
    if isLowercase { current = current.rewritten(CharacterChange.lowercase) }
    result = current
  }

  private static func clean(_ text: UnsafeBufferPointer<UInt8>, _ result: inout AlignedText) {
    let controls = UnicodeTables.bertControls
    CharacterChange.forEachScalar(in: text) { scalar, range in
      if (0x20...0x7E).contains(scalar.value) {
        return result.append(text[range.lowerBound], from: range)
      }
      // Tabs and line feeds are in none of the table's ranges.
      if controls.contains(scalar) { return }
      if scalar.properties.isWhitespace {
        result.append(UInt8(ascii: " "), from: range)
      } else {
        result.copy(range, of: text)
      }
    }
  }

  private static func isolateIdeographs(
    _ text: UnsafeBufferPointer<UInt8>, _ result: inout AlignedText
  ) {
    CharacterChange.forEachScalar(in: text) { scalar, range in
      guard isIdeograph(scalar.value) else { return result.copy(range, of: text) }
      result.append(UInt8(ascii: " "), from: range)
      result.copy(range, of: text)
      result.append(UInt8(ascii: " "), from: range)
    }
  }

  /// The blocks of ideographs that BERT's authors list.
  static func isIdeograph(_ value: UInt32) -> Bool {
    switch value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
      0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }

  private static func dropAccents(
    _ text: UnsafeBufferPointer<UInt8>, _ result: inout AlignedText
  ) {
    let marks = UnicodeTables.nonspacingMarks
    CharacterChange.forEachScalar(in: text) { scalar, range in
      if scalar.isASCII || !marks.contains(scalar) { result.copy(range, of: text) }
    }
  }
}
