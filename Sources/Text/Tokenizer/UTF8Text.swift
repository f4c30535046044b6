/// Scalars in valid UTF-8, looked at in place.
enum UTF8Text {
  /// How many bytes the scalar that starts at `index` has.
  static func length(ofScalarAt index: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    switch text[index] {
    case ..<0x80: 1
    case ..<0xE0: 2
    case ..<0xF0: 3
    default: 4
    }
  }

  /// The scalar that starts at `index`.
  static func scalar(at index: Int, in text: UnsafeBufferPointer<UInt8>) -> Unicode.Scalar {
    let length = length(ofScalarAt: index, in: text)
    if length == 1 { return Unicode.Scalar(text[index]) }
    var value = UInt32(text[index]) & (0x7F >> UInt32(length))
    for next in index + 1..<index + length { value = value << 6 | UInt32(text[next] & 0x3F) }
    return Unicode.Scalar(value) ?? "\u{FFFD}"
  }

  /// Where the scalar that ends at `end` starts.
  static func start(ofScalarBefore end: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    var start = end - 1
    while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
    return start
  }

  /// The end of the white space that starts at `index`.
  static func endOfSpace(from index: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    var end = index
    while end < text.count, scalar(at: end, in: text).properties.isWhitespace {
      end += length(ofScalarAt: end, in: text)
    }
    return end
  }

  /// The start of the white space that ends at `index`.
  static func startOfSpace(before index: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    var result = index
    while result > 0, case let start = start(ofScalarBefore: result, in: text),
      scalar(at: start, in: text).properties.isWhitespace
    { result = start }
    return result
  }

  /// Whether the scalar belongs to a word: \w as the Unicode standard (UTS 18, annex C) defines it.
  static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    let properties = scalar.properties
    if properties.isAlphabetic || properties.isJoinControl { return true }
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
      return true
    default: return false
    }
  }
}
