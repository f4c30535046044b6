/// Where and why a text is not JSON.
package struct JSONSyntaxError: Error, Sendable {
  package let message: String
  /// 1-based position in the file.
  package let line: Int
  package let column: Int
}

/// A strict JSON (RFC 8259) parser over bytes; depth-limited, position-aware, one value at a time.
///
/// Files are hostile: nesting is bounded, numbers and escapes are checked, strings must be UTF-8.
package struct JSONParser {
  static let maximumDepth = 256

  private let bytes: [UInt8]
  /// The next byte to read.
  package private(set) var offset: Int

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
    // A UTF-8 byte order mark is not JSON, but common in files from other systems.
    self.offset = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
  }

  /// Parses a whole text that holds exactly one value.
  package static func parse(_ bytes: [UInt8]) throws(JSONSyntaxError) -> JSON {
    var parser = JSONParser(bytes)
    let value = try parser.parseValue()
    parser.skipWhitespace()
    guard parser.isAtEnd else {
      throw parser.error("found \(parser.found) after the end of the value")
    }
    return value
  }

  package static func parse(_ text: String) throws(JSONSyntaxError) -> JSON {
    try parse(Array(text.utf8))
  }

  package var isAtEnd: Bool { offset >= bytes.count }

  /// 1-based line of a byte offset.
  package func line(at offset: Int) -> Int {
    1 + bytes[..<min(offset, bytes.count)].count { $0 == 0x0A }
  }

  package func error(_ message: String, at place: Int? = nil) -> JSONSyntaxError {
    let end = min(place ?? offset, bytes.count)
    let lineStart = (bytes[..<end].lastIndex(of: 0x0A) ?? -1) + 1
    return JSONSyntaxError(message: message, line: line(at: end), column: end - lineStart + 1)
  }

  package mutating func skipWhitespace() {
    while offset < bytes.count {
      switch bytes[offset] {
      case 0x20, 0x09, 0x0A, 0x0D: offset += 1
      default: return
      }
    }
  }

  /// Skips whitespace, then consumes `character` if it is next.
  package mutating func consume(_ character: Character) -> Bool {
    skipWhitespace()
    guard offset < bytes.count, bytes[offset] == character.asciiValue else { return false }
    offset += 1
    return true
  }

  /// What stands at the current position, for error messages.
  package var found: String {
    guard offset < bytes.count else { return "the end of the file" }
    let byte = bytes[offset]
    return (0x21...0x7E).contains(byte) ? "\"\(Character(Unicode.Scalar(byte)))\"" : "byte \(byte)"
  }

  /// Parses the value that starts after optional whitespace.
  package mutating func parseValue() throws(JSONSyntaxError) -> JSON { try value(depth: 0) }

  private mutating func value(depth: Int) throws(JSONSyntaxError) -> JSON {
    guard depth < Self.maximumDepth else {
      throw error("nested deeper than \(Self.maximumDepth) levels")
    }
    skipWhitespace()
    guard offset < bytes.count else { throw error("found the end of the file, expected a value") }
    switch bytes[offset] {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw error("found \(found), expected a value")
    }
  }

  private mutating func object(depth: Int) throws(JSONSyntaxError) -> JSON {
    offset += 1
    var members: [(key: String, value: JSON)] = []
    if consume("}") { return .object(JSONObject(members)) }
    repeat {
      skipWhitespace()
      guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else {
        throw error("found \(found), expected a key in double quotes")
      }
      let key = try string()
      guard consume(":") else { throw error("found \(found), expected \":\" after a key") }
      members.append((key, try value(depth: depth + 1)))
    } while consume(",")
    guard consume("}") else { throw error("found \(found), expected \",\" or \"}\"") }
    return .object(JSONObject(members))
  }

  private mutating func array(depth: Int) throws(JSONSyntaxError) -> JSON {
    offset += 1
    var elements: [JSON] = []
    if consume("]") { return .array(elements) }
    repeat { elements.append(try value(depth: depth + 1)) } while consume(",")
    guard consume("]") else { throw error("found \(found), expected \",\" or \"]\"") }
    return .array(elements)
  }

  private mutating func literal(_ word: StaticString, _ value: JSON) throws(JSONSyntaxError) -> JSON
  {
    let end = offset + word.utf8CodeUnitCount
    let matches =
      end <= bytes.count
      && word.withUTF8Buffer { $0.elementsEqual(bytes[offset..<end]) }
    guard matches else { throw error("found \(found), expected a value") }
    offset = end
    return value
  }

  private mutating func number() throws(JSONSyntaxError) -> JSON {
    let start = offset
    var isInteger = true
    if isNext(UInt8(ascii: "-")) { offset += 1 }
    let firstDigit = offset
    try digits()
    if bytes[firstDigit] == UInt8(ascii: "0"), offset > firstDigit + 1 {
      throw error("a number must not start with 0", at: start)
    }
    if isNext(UInt8(ascii: ".")) {
      isInteger = false
      offset += 1
      try digits()
    }
    if isNext(UInt8(ascii: "e")) || isNext(UInt8(ascii: "E")) {
      isInteger = false
      offset += 1
      if isNext(UInt8(ascii: "+")) || isNext(UInt8(ascii: "-")) { offset += 1 }
      try digits()
    }
    let text = String(decoding: bytes[start..<offset], as: UTF8.self)
    if isInteger, let value = Int(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else {
      throw error("the number \(text) is too large", at: start)
    }
    return .number(value)
  }

  private func isNext(_ byte: UInt8) -> Bool { offset < bytes.count && bytes[offset] == byte }

  /// Skips one digit or more.
  private mutating func digits() throws(JSONSyntaxError) {
    func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
    guard offset < bytes.count, isDigit(bytes[offset]) else {
      throw error("found \(found), expected a digit")
    }
    while offset < bytes.count, isDigit(bytes[offset]) { offset += 1 }
  }

  // MARK: - Strings

  private mutating func string() throws(JSONSyntaxError) -> String {
    let start = offset
    offset += 1
    let end = endOfPlainText()
    if end < bytes.count, bytes[end] == UInt8(ascii: "\"") {
      defer { offset = end + 1 }
      return try validated(bytes[offset..<end], start)
    }
    return try escapedString(start)
  }

  /// Where the run of characters that stand for themselves ends.
  private func endOfPlainText() -> Int {
    bytes.withUnsafeBufferPointer { bytes in
      var end = offset
      while end < bytes.count, bytes[end] != UInt8(ascii: "\""), bytes[end] != UInt8(ascii: "\\"),
        bytes[end] >= 0x20
      { end += 1 }
      return end
    }
  }

  private func validated(
    _ text: some Collection<UInt8>, _ start: Int
  ) throws(JSONSyntaxError) -> String {
    guard let string = String(validating: text, as: UTF8.self) else {
      throw error("a string is not valid UTF-8", at: start)
    }
    return string
  }

  /// A string with escapes: plain runs are copied, escapes decoded between them.
  private mutating func escapedString(_ start: Int) throws(JSONSyntaxError) -> String {
    var text: [UInt8] = []
    while true {
      let end = endOfPlainText()
      text += bytes[offset..<end]
      offset = end + 1
      guard end < bytes.count else { throw error("a string is not closed", at: start) }
      switch bytes[end] {
      case UInt8(ascii: "\""): return try validated(text, start)
      case UInt8(ascii: "\\"): try escape(into: &text)
      default: throw error("a string holds an unescaped control character", at: end)
      }
    }
  }

  private mutating func escape(into text: inout [UInt8]) throws(JSONSyntaxError) {
    guard offset < bytes.count else { throw error("a string is not closed") }
    let byte = bytes[offset]
    offset += 1
    switch byte {
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "u"):
      // A lone surrogate is no character; the replacement character stands for it.
      let scalar = Unicode.Scalar(try utf16Escape()) ?? "\u{FFFD}"
      text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    default: throw error("an escape that JSON does not have", at: offset - 2)
    }
  }

  /// The four digits of `\u` and, after a leading surrogate, the escape that completes it.
  private mutating func utf16Escape() throws(JSONSyntaxError) -> UInt32 {
    let value = try hexadecimal()
    guard (0xD800..<0xDC00).contains(value), isNext(UInt8(ascii: "\\")),
      offset + 1 < bytes.count, bytes[offset + 1] == UInt8(ascii: "u")
    else { return value }
    let mark = offset
    offset += 2
    let low = try hexadecimal()
    guard (0xDC00..<0xE000).contains(low) else {
      offset = mark
      return value
    }
    return 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
  }

  private mutating func hexadecimal() throws(JSONSyntaxError) -> UInt32 {
    var value: UInt32 = 0
    guard offset + 4 <= bytes.count else { throw error("\\u needs four hexadecimal digits") }
    for byte in bytes[offset..<offset + 4] {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte - 0x30)
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt32(byte - 0x61 + 10)
      case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt32(byte - 0x41 + 10)
      default: throw error("\\u needs four hexadecimal digits")
      }
    }
    offset += 4
    return value
  }
}
