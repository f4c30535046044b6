/// A strict JSON (RFC 8259) parser over bytes; depth-limited, position-aware, one value at a time.
///
/// Files are hostile: nesting is bounded, numbers and escapes are checked, strings must be UTF-8.
package struct JSONParser {
  static let maximumDepth = 256

  let bytes: [UInt8]
  /// Where the text ends.
  let end: Int
  private let start: Int
  /// The next byte to read.
  package internal(set) var offset: Int
  /// Whether values that cannot be handed on as they are written are noted in `fault`.
  let notesFaults: Bool
  /// The first such value since the parser was made.
  package internal(set) var fault: JSONValueFault?
  /// Where strings with escapes are put together.
  var scratch: [UInt8] = []

  package init(_ bytes: [UInt8]) {
    // A UTF-8 byte order mark is not JSON, but common in files from other systems.
    let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    self.init(bytes, in: start..<bytes.count)
  }

  /// Parses a part of `bytes`.
  ///
  /// - Parameter notesFaults: Where this is asked for, `NaN` and the infinities become null, halves of
  ///   characters U+FFFD, and numbers with too many digits the nearest one, and `fault` tells of the first.
  ///   Otherwise the first are no JSON, and the others pass.
  package init(_ bytes: [UInt8], in range: Range<Int>, notesFaults: Bool = false) {
    precondition(range.upperBound <= bytes.count)
    self.bytes = bytes
    self.start = range.lowerBound
    self.offset = range.lowerBound
    self.end = range.upperBound
    self.notesFaults = notesFaults
  }

  /// Parses a whole text that holds exactly one value.
  package static func parse(_ bytes: [UInt8]) throws(JSONSyntaxError) -> JSON {
    var parser = JSONParser(bytes)
    return try parser.parseWhole()
  }

  package static func parse(_ text: String) throws(JSONSyntaxError) -> JSON {
    try parse(Array(text.utf8))
  }

  /// Parses the rest of the text, which must hold exactly one value.
  package mutating func parseWhole() throws(JSONSyntaxError) -> JSON {
    let value = try parseValue()
    skipWhitespace()
    guard isAtEnd else { throw error("found \(found) after the end of the value") }
    return value
  }

  package var isAtEnd: Bool { offset >= end }

  /// 1-based line of a byte offset.
  package func line(at offset: Int) -> Int {
    1 + bytes[start..<max(start, min(offset, end))].count { $0 == 0x0A }
  }

  package func error(
    _ message: String, at place: Int? = nil, isIncomplete: Bool = false
  ) -> JSONSyntaxError {
    let place = min(place ?? offset, end)
    let lineStart = (bytes[start..<place].lastIndex(of: 0x0A) ?? start - 1) + 1
    return JSONSyntaxError(
      message: message, line: line(at: place), column: place - lineStart + 1, offset: place,
      isIncomplete: isIncomplete)
  }

  /// The fault that something else than `expected` comes next, be it nothing.
  private func unexpected(_ expected: String) -> JSONSyntaxError {
    error("found \(found), expected \(expected)", isIncomplete: isAtEnd)
  }

  package mutating func skipWhitespace() {
    while offset < end {
      switch bytes[offset] {
      case 0x20, 0x09, 0x0A, 0x0D: offset += 1
      default: return
      }
    }
  }

  /// Skips whitespace, then consumes `character` if it is next.
  package mutating func consume(_ character: Unicode.Scalar) -> Bool {
    skipWhitespace()
    guard isNext(UInt8(ascii: character)) else { return false }
    offset += 1
    return true
  }

  func isNext(_ byte: UInt8) -> Bool { offset < end && bytes[offset] == byte }

  /// What stands at the current position, for error messages.
  package var found: String {
    guard offset < end else { return "the end of the file" }
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
    guard offset < end else { throw unexpected("a value") }
    switch bytes[offset] {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string(depth: depth))
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number(depth: depth)
    case UInt8(ascii: "N") where notesFaults: return try notANumber("NaN", depth: depth)
    case UInt8(ascii: "I") where notesFaults: return try notANumber("Infinity", depth: depth)
    default: throw unexpected("a value")
    }
  }

  private mutating func object(depth: Int) throws(JSONSyntaxError) -> JSON {
    offset += 1
    if consume("}") { return .object(JSONObject()) }
    var members: [(key: String, value: JSON)] = []
    // Most objects of a row have two to four members: no growing in steps.
    members.reserveCapacity(4)
    repeat {
      skipWhitespace()
      guard isNext(UInt8(ascii: "\"")) else { throw unexpected("a key in double quotes") }
      let key = try string(depth: depth + 1)
      guard consume(":") else { throw unexpected("\":\" after a key") }
      members.append((key, try value(depth: depth + 1)))
      fault?.leave(depth + 1, step: key)
    } while consume(",")
    guard consume("}") else { throw unexpected("\",\" or \"}\"") }
    return .object(JSONObject(members))
  }

  private mutating func array(depth: Int) throws(JSONSyntaxError) -> JSON {
    offset += 1
    var elements: [JSON] = []
    if consume("]") { return .array(elements) }
    repeat {
      elements.append(try value(depth: depth + 1))
      fault?.leave(depth + 1, step: "[\(elements.count - 1)]")
    } while consume(",")
    guard consume("]") else { throw unexpected("\",\" or \"]\"") }
    return .array(elements)
  }

  mutating func literal(_ word: StaticString, _ value: JSON) throws(JSONSyntaxError) -> JSON {
    let place = offset
    let matches = word.withUTF8Buffer { word in
      for byte in word {
        guard isNext(byte) else { return false }
        offset += 1
      }
      return true
    }
    if matches { return value }
    let isCut = isAtEnd
    offset = place
    throw error("found \(found), expected a value", isIncomplete: isCut)
  }

  private mutating func notANumber(
    _ word: StaticString, depth: Int
  ) throws(JSONSyntaxError) -> JSON {
    let value = try literal(word, .null)
    note(.notANumber("\(word)"), depth: depth)
    return value
  }

  /// Keeps the first fault.
  mutating func note(_ kind: JSONValueFault.Kind, depth: Int) {
    if notesFaults, fault == nil { fault = JSONValueFault(kind, depth: depth) }
  }
}
