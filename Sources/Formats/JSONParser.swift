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
    while offset < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[offset]) { offset += 1 }
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
    func digit(_ i: Int) -> Bool {
      i < bytes.count && (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[i])
    }
    func next(is characters: [UInt8]) -> Bool {
      offset < bytes.count && characters.contains(bytes[offset])
    }
    var isInteger = true
    if next(is: [UInt8(ascii: "-")]) { offset += 1 }
    guard digit(offset) else { throw error("found \(found), expected a digit") }
    let leadingZero = bytes[offset] == UInt8(ascii: "0")
    while digit(offset) { offset += 1 }
    if leadingZero, digit(offset - 1), offset - start > (bytes[start] == UInt8(ascii: "-") ? 2 : 1)
    {
      throw error("a number must not start with 0", at: start)
    }
    if next(is: [UInt8(ascii: ".")]) {
      isInteger = false
      offset += 1
      guard digit(offset) else { throw error("found \(found), expected a digit") }
      while digit(offset) { offset += 1 }
    }
    if next(is: [UInt8(ascii: "e"), UInt8(ascii: "E")]) {
      isInteger = false
      offset += 1
      if next(is: [UInt8(ascii: "+"), UInt8(ascii: "-")]) { offset += 1 }
      guard digit(offset) else { throw error("found \(found), expected a digit") }
      while digit(offset) { offset += 1 }
    }
    let text = String(decoding: bytes[start..<offset], as: UTF8.self)
    if isInteger, let value = Int(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else {
      throw error("the number \(text) is too large", at: start)
    }
    return .number(value)
  }

  private mutating func string() throws(JSONSyntaxError) -> String {
    let start = offset
    offset += 1
    var end = offset
    while end < bytes.count, bytes[end] != UInt8(ascii: "\""), bytes[end] != UInt8(ascii: "\\"),
      bytes[end] >= 0x20
    { end += 1 }
    var text = Array(bytes[offset..<end])
    offset = end
    while true {
      guard offset < bytes.count else { throw error("a string is not closed", at: start) }
      let byte = bytes[offset]
      offset += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: text, as: UTF8.self) else {
          throw error("a string is not valid UTF-8", at: start)
        }
        return string
      case UInt8(ascii: "\\"): try escape(into: &text)
      case 0..<0x20: throw error("a string holds an unescaped control character", at: offset - 1)
      default: text.append(byte)
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
      var value = try hexadecimal()
      if (0xD800..<0xDC00).contains(value), offset + 1 < bytes.count,
        bytes[offset] == UInt8(ascii: "\\"), bytes[offset + 1] == UInt8(ascii: "u")
      {
        let mark = offset
        offset += 2
        let low = try hexadecimal()
        if (0xDC00..<0xE000).contains(low) {
          value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
        } else {
          offset = mark
        }
      }
      // A lone surrogate is no character; the replacement character stands for it.
      let scalar = Unicode.Scalar(value) ?? "\u{FFFD}"
      text.append(contentsOf: Array(String(Character(scalar)).utf8))
    default: throw error("an escape that JSON does not have", at: offset - 2)
    }
  }

  private mutating func hexadecimal() throws(JSONSyntaxError) -> UInt32 {
    guard offset + 4 <= bytes.count,
      bytes[offset..<offset + 4].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let value = UInt32(String(decoding: bytes[offset..<offset + 4], as: UTF8.self), radix: 16)
    else { throw error("\\u needs four hexadecimal digits") }
    offset += 4
    return value
  }
}
