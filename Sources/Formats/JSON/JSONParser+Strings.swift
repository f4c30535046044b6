extension JSONParser {
  mutating func string(depth: Int) throws(JSONSyntaxError) -> String {
    let start = offset
    offset += 1
    let last = endOfPlainText()
    if last < end, bytes[last] == UInt8(ascii: "\"") {
      defer { offset = last + 1 }
      return try validated(bytes, offset..<last, start)
    }
    return try escapedString(start, depth: depth)
  }

  /// Where the run of characters that stand for themselves ends.
  private func endOfPlainText() -> Int {
    bytes.withUnsafeBytes { bytes in
      var place = offset
      while place + 8 <= end {
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
        let special = Self.specialBytes(word)
        if special != 0 { return place + special.trailingZeroBitCount / 8 }
        place += 8
      }
      while place < end, bytes[place] != UInt8(ascii: "\""), bytes[place] != UInt8(ascii: "\\"),
        bytes[place] >= 0x20
      { place += 1 }
      return place
    }
  }

  /// The high bit of each byte that is a quote, a backslash or a control character. Bytes above the lowest
  /// of them may be marked as well.
  private static func specialBytes(_ word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let quotes = word ^ (ones &* 0x22)
    let backslashes = word ^ (ones &* 0x5C)
    let below = (word &- ones &* 0x20) & ~word
    let zeros = ((quotes &- ones) & ~quotes) | ((backslashes &- ones) & ~backslashes)
    return (below | zeros) & (ones &* 0x80)
  }

  /// The text of a part of `text`, which the string that begins at `start` stands for.
  private func validated(
    _ text: [UInt8], _ range: Range<Int>, _ start: Int
  ) throws(JSONSyntaxError) -> String {
    // A span, not `String(validating:as:)`: that one is generic, and looks up its types for every string.
    do throws(UTF8.ValidationError) {
      return String(copying: try UTF8Span(validating: text.span.extracting(range)))
    } catch {
      throw self.error("a string is not valid UTF-8", at: invalidByte(from: start))
    }
  }

  /// The first byte from `start` on that is not UTF-8. Escapes are, so what is wrong in the text of a string is
  /// wrong in the file.
  private func invalidByte(from start: Int) -> Int {
    do throws(UTF8.ValidationError) {
      _ = try UTF8Span(validating: bytes.span.extracting(start..<end))
      return start
    } catch {
      return start + error.byteOffsets.lowerBound
    }
  }

  /// A string with escapes: plain runs are copied, escapes decoded between them.
  private mutating func escapedString(_ start: Int, depth: Int) throws(JSONSyntaxError) -> String {
    scratch.removeAll(keepingCapacity: true)
    while true {
      let last = endOfPlainText()
      scratch += bytes[offset..<last]
      offset = last + 1
      guard last < end else { throw error("a string is not closed", at: start, isIncomplete: true) }
      switch bytes[last] {
      case UInt8(ascii: "\""): return try validated(scratch, 0..<scratch.count, start)
      case UInt8(ascii: "\\"): try escape(start, depth: depth)
      default: throw error("a string holds an unescaped control character", at: last)
      }
    }
  }

  private mutating func escape(_ start: Int, depth: Int) throws(JSONSyntaxError) {
    guard offset < end else { throw error("a string is not closed", at: start, isIncomplete: true) }
    let byte = bytes[offset]
    offset += 1
    switch byte {
    case UInt8(ascii: "n"): scratch.append(0x0A)
    case UInt8(ascii: "t"): scratch.append(0x09)
    case UInt8(ascii: "r"): scratch.append(0x0D)
    case UInt8(ascii: "b"): scratch.append(0x08)
    case UInt8(ascii: "f"): scratch.append(0x0C)
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): scratch.append(byte)
    case UInt8(ascii: "u"): try appendCodePoint(depth: depth)
    default: throw error("an escape that JSON does not have", at: offset - 2)
    }
  }

  private mutating func appendCodePoint(depth: Int) throws(JSONSyntaxError) {
    let place = offset - 2
    let scalar = Unicode.Scalar(try utf16Escape())
    if scalar == nil, notesFaults, fault == nil {
      note(
        .halfCharacter(String(decoding: bytes[place..<offset], as: UTF8.self)), depth: depth)
    }
    // A lone surrogate is no character; the replacement character stands for it.
    scratch.append(
      contentsOf: UTF8.encode(scalar ?? "\u{FFFD}") ?? UTF8.encodedReplacementCharacter)
  }

  /// The four digits of `\u` and, after a leading surrogate, the escape that completes it.
  private mutating func utf16Escape() throws(JSONSyntaxError) -> UInt32 {
    let value = try hexadecimal()
    guard (0xD800..<0xDC00).contains(value), isNext(UInt8(ascii: "\\")),
      offset + 1 < end, bytes[offset + 1] == UInt8(ascii: "u")
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
    for _ in 0..<4 {
      guard offset < end else {
        throw error("\\u needs four hexadecimal digits", isIncomplete: true)
      }
      let byte = bytes[offset]
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte - 0x30)
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt32(byte - 0x61 + 10)
      case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt32(byte - 0x41 + 10)
      default: throw error("\\u needs four hexadecimal digits")
      }
      offset += 1
    }
    return value
  }
}
