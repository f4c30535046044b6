#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

extension JSONParser {
  mutating func number(depth: Int) throws(JSONSyntaxError) -> JSON {
    let start = offset
    if isNext(UInt8(ascii: "-")) { offset += 1 }
    if notesFaults, isNext(UInt8(ascii: "I")) {
      let value = try literal("Infinity", .null)
      note(.notANumber("-Infinity"), depth: depth)
      return value
    }
    let firstDigit = offset
    try digits()
    if bytes[firstDigit] == UInt8(ascii: "0"), offset > firstDigit + 1 {
      throw error("a number must not start with 0", at: start)
    }
    let isInteger = try !fraction()
    if isInteger, offset - firstDigit <= 18 {
      let magnitude = bytes[firstDigit..<offset].reduce(0) { $0 &* 10 &+ Int($1 &- 0x30) }
      return .integer(firstDigit == start ? magnitude : -magnitude)
    }
    let text = String(decoding: bytes[start..<offset], as: UTF8.self)
    if isInteger, let value = Int(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else {
      throw error("the number \(text) is too large", at: start)
    }
    if notesFaults, isInteger || !value.isWritten(as: bytes[firstDigit..<offset]) {
      note(.roundedNumber(text), depth: depth)
    }
    return .number(value)
  }

  /// Skips what may follow the whole digits; false where nothing does.
  private mutating func fraction() throws(JSONSyntaxError) -> Bool {
    let start = offset
    if isNext(UInt8(ascii: ".")) {
      offset += 1
      try digits()
    }
    if isNext(UInt8(ascii: "e")) || isNext(UInt8(ascii: "E")) {
      offset += 1
      if isNext(UInt8(ascii: "+")) || isNext(UInt8(ascii: "-")) { offset += 1 }
      try digits()
    }
    return offset > start
  }

  /// Skips one digit or more.
  private mutating func digits() throws(JSONSyntaxError) {
    guard offset < end, bytes[offset].isDigit else {
      throw error("found \(found), expected a digit", isIncomplete: isAtEnd)
    }
    while offset < end, bytes[offset].isDigit { offset += 1 }
  }
}

extension UInt8 {
  fileprivate var isDigit: Bool { self &- UInt8(ascii: "0") < 10 }
}

extension Double {
  /// Whether this number, which was read from `text`, has the same digits if as many of them are written.
  fileprivate func isWritten(as text: ArraySlice<UInt8>) -> Bool {
    let digits = Self.significantDigits(text)
    if digits.isEmpty { return self == 0 }
    // Any 15 digits survive, but not among the smallest numbers of all.
    if digits.count <= 15, magnitude > 1e-290 { return true }
    // No double has more.
    guard digits.count <= 767 else { return false }
    var buffer = [CChar](repeating: 0, count: 800)
    let count = withVaList([Int32(digits.count - 1), magnitude]) {
      vsnprintf(&buffer, buffer.count, "%.*e", $0)
    }
    let written = buffer.prefix(max(0, Int(count))).map(UInt8.init(bitPattern:))
    return Self.significantDigits(written[...]) == digits
  }

  /// Digits before an exponent, without zeros at either end.
  private static func significantDigits(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let digits = text.prefix { $0 | 0x20 != UInt8(ascii: "e") }.filter(\.isDigit)
    let start = digits.firstIndex { $0 != UInt8(ascii: "0") } ?? digits.endIndex
    let last = digits.lastIndex { $0 != UInt8(ascii: "0") } ?? start - 1
    return digits[start..<max(start, last + 1)]
  }
}
