/// Normalizations that look at one character at a time.
enum CharacterChange {
  /// Calls `body` for each character with its bytes.
  @inline(__always)
  static func forEachScalar(
    in text: UnsafeBufferPointer<UInt8>, _ body: (Unicode.Scalar, Range<Int>) -> Void
  ) {
    var index = 0
    while index < text.count {
      let end = index + UTF8Text.length(ofScalarAt: index, in: text)
      body(UTF8Text.scalar(at: index, in: text), index..<end)
      index = end
    }
  }

  static func lowercase(_ text: UnsafeBufferPointer<UInt8>, _ result: inout AlignedText) {
    forEachScalar(in: text) { scalar, range in
      if scalar.isASCII {
        let isUpper = (0x41...0x5A).contains(scalar.value)
        result.append(text[range.lowerBound] | (isUpper ? 0x20 : 0), from: range)
      } else {
        let lower = scalar.properties.lowercaseMapping
        if lower.unicodeScalars.first == scalar {
          result.copy(range, of: text)
        } else {
          result.append(lower.utf8, from: range)
        }
      }
    }
  }

  static func dropMarks(_ text: UnsafeBufferPointer<UInt8>, _ result: inout AlignedText) {
    let marks = UnicodeTables.marks
    forEachScalar(in: text) { scalar, range in
      if scalar.isASCII || !marks.contains(scalar) { result.copy(range, of: text) }
    }
  }

  /// The normalizer "Nmt".
  static func plainSpaces(_ text: UnsafeBufferPointer<UInt8>, _ result: inout AlignedText) {
    forEachScalar(in: text) { scalar, range in
      switch scalar.value {
      case 0x1...0x8, 0xB, 0xE...0x1F, 0x7F, 0x8F, 0x9F: break
      case 0x9, 0xA, 0xC, 0xD, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD:
        result.append(UInt8(ascii: " "), from: range)
      default: result.copy(range, of: text)
      }
    }
  }
}
