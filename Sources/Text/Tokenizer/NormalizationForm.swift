import Foundation
@_spi(_Unicode) import Swift

/// The normalization forms of Unicode (UAX 15).
enum NormalizationForm: Sendable {
  case composed, decomposed, compatiblyComposed, compatiblyDecomposed

  /// Rewrites one `Character` at a time: no form crosses the border between two of them.
  func apply(to text: UnsafeBufferPointer<UInt8>, _ result: inout AlignedText) {
    var index = 0
    for character in String(decoding: text, as: UTF8.self) {
      let end = index + character.utf8.count
      if end == index + 1, text[index] < 0x80 {
        result.append(text[index], from: index..<end)
      } else {
        rewrite(character.unicodeScalars, at: index, &result)
      }
      index = end
    }
  }

  /// Characters that are younger than Unicode 9 stay as they are and count as starters: the data of
  /// Hugging Face's tokenizers does not have them.
  private func rewrite(
    _ scalars: Character.UnicodeScalarView, at start: Int, _ result: inout AlignedText
  ) {
    var index = start
    var known = String.UnicodeScalarView()
    func flush(_ result: inout AlignedText) {
      let end = index + known.reduce(0) { $0 + UTF8.width($1) }
      if end > index { result.append(rewritten(String(known)).utf8, from: index..<end) }
      index = end
      known = String.UnicodeScalarView()
    }
    for scalar in scalars {
      if let age = scalar.properties.age, age.major <= 9 {
        known.append(scalar)
      } else {
        flush(&result)
        let end = index + UTF8.width(scalar)
        result.append(String(scalar).utf8, from: index..<end)
        index = end
      }
    }
    flush(&result)
  }

  private func rewritten(_ text: String) -> String {
    var scalars = String.UnicodeScalarView()
    switch self {
    case .composed: scalars.append(contentsOf: text._nfc)
    case .decomposed: scalars.append(contentsOf: text._nfd)
    // Foundation's mapping leaves marks in the order it finds them, and does not compose across.
    case .compatiblyComposed:
      scalars.append(contentsOf: text.decomposedStringWithCompatibilityMapping._nfc)
    case .compatiblyDecomposed:
      scalars.append(contentsOf: text.decomposedStringWithCompatibilityMapping._nfd)
    }
    return String(scalars)
  }

  /// Whether every character is of a block that the form leaves alone, which is nearly always.
  func surelyLeaves(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    var index = 0
    while index < text.count {
      if text[index] < 0x80 {
        index += 1
        continue
      }
      let value = UTF8Text.scalar(at: index, in: text).value
      guard self == .composed ? Self.isComposed(value) : Self.isPlain(value) else { return false }
      index += UTF8Text.length(ofScalarAt: index, in: text)
    }
    return true
  }

  /// Latin before the combining marks; Cyrillic; general punctuation; CJK punctuation and kana
  /// without the voicing marks; ideographs; Hangul syllables; full-width forms; emoji.
  private static func isComposed(_ value: UInt32) -> Bool {
    switch value {
    case 0x80...0x2FF, 0x400...0x482, 0x2010...0x2027, 0x3001...0x3029, 0x3041...0x3096,
      0x30A1...0x30FF, 0x3400...0x9FFF, 0xAC00...0xD7A3, 0xFF01...0xFFEF, 0x1F300...0x1FAFF:
      true
    default: false
    }
  }

  /// Ideographs and the punctuation around them.
  private static func isPlain(_ value: UInt32) -> Bool {
    switch value {
    case 0x3001...0x3002, 0x3008...0x3011, 0x3400...0x9FFF: true
    default: false
    }
  }
}
