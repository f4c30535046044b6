import Formats
import TestSupport
import Testing

@Suite struct JSONTests {
  @Test func keepsCanonicallyEqualKeysApart() throws {
    let json = try JSONParser.parse("{\"e\\u0301\": 1, \"\\u00e9\": 2}")
    #expect(json["e\u{301}"] == 1)
    #expect(json["\u{e9}"] == 2)
  }

  @Test(arguments: [
    ("{\"a\": 1,}", 1, 9), ("[1\n2]", 2, 1), ("01", 1, 1), ("\"\\x\"", 1, 2), ("[1", 1, 3),
  ])
  func reportsPositions(text: String, line: Int, column: Int) {
    do {
      _ = try JSONParser.parse(text)
      Issue.record("\(text) parsed")
    } catch {
      #expect((error.line, error.column) == (line, column), "\(error)")
    }
  }

  @Test func boundsNesting() {
    #expect(throws: JSONSyntaxError.self) {
      try JSONParser.parse(String(repeating: "[", count: 100_000))
    }
  }

  @Test func readsBackWhatItWrites() throws {
    let text = #"{"a":[1,-2.5,1e-05,true,null,"q\"\\\né😀"],"b":{},"c":[]}"#
    for layout in [JSON.Layout.compact, .python, .indented] {
      let json = try JSONParser.parse(text)
      #expect(try JSONParser.parse(json.text(layout)) == json)
    }
    #expect(try JSONParser.parse(text).text() == text)
  }

  @Test func joinsSurrogatePairs() throws {
    #expect(try JSONParser.parse(#""\ud83d\ude00\ud83d""#) == "😀\u{FFFD}")
  }

  @Test(arguments: [
    (#""a\u00e9\u4e09\ud83d\ude00z""#, "a\u{e9}\u{4e09}\u{1F600}z"),
    (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
    (#""\u0000\u001f\u007F""#, "\0\u{1F}\u{7F}"),
    (#""\udc00\ud800x\ud800\u0041""#, "\u{FFFD}\u{FFFD}x\u{FFFD}A"),
    ("\"\u{FEFF}é三😀\"", "\u{FEFF}é三😀"), ("\"\"", ""),
  ])
  func decodesStrings(text: String, expected: String) throws {
    let found = try #require(try JSONParser.parse(text).string)
    #expect(Array(found.utf8) == Array(expected.utf8))
    let again = try JSONParser.parse(JSON.string(found).text())
    #expect(again == .string(expected))
  }

  @Test(arguments: [
    ("0", 0.0), ("-0", 0), ("10", 10), ("-1.5", -1.5), ("1e3", 1000), ("1E-2", 0.01), ("2e+1", 20),
    ("123456789012345680000", 123_456_789_012_345_683_968), ("0.1", 0.1),
  ])
  func readsNumbers(text: String, expected: Double) throws {
    #expect(try JSONParser.parse(text).number == expected)
    #expect(try JSONParser.parse("[\(text) ]").array?.first?.number == expected)
  }

  @Test func keepsLargeIntegersExact() throws {
    #expect(try JSONParser.parse("9223372036854775807").integer == .max)
    #expect(try JSONParser.parse("-9223372036854775808").integer == .min)
    #expect(try JSONParser.parse("9223372036854775808").integer == nil)
  }

  @Test(arguments: [
    "", " ", "-", "+1", "00", "-01", "1.", ".5", "1e", "1e+", "0x1", "1e999", "NaN", "nul", "truex",
    "{", "{]", "{a:1}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "[,]", "[1,]", "[1 2]", "\"", "\"\\\"",
    "\"\\u12\"", "\"\\u12G4\"", "\"\\ud800\\u\"", "\"\n\"", "1 2", "'a'", "[1]]",
  ])
  func refusesWhatIsNotJSON(text: String) {
    #expect(throws: JSONSyntaxError.self) { try JSONParser.parse(text) }
  }

  @Test(
    arguments: [[0xFF], [0xC3], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xC0, 0x80]] as [[UInt8]])
  func refusesBrokenUTF8(bytes: [UInt8]) {
    for text in [bytes, bytes + Array("\\n".utf8)] {
      #expect(throws: JSONSyntaxError.self) { try JSONParser.parse([0x22] + text + [0x22]) }
    }
  }

  @Test(arguments: ["", "\\n", "é"]) func namesTheByteThatIsNotUTF8(before: String) throws {
    let text = Array("[1, \"ab\(before)".utf8)
    let error = try #require(throws: JSONSyntaxError.self) {
      try JSONParser.parse(text + [0xE9] + Array("c\"]".utf8))
    }
    #expect(error.offset == text.count && error.column == text.count + 1)
  }

  @Test func skipsAByteOrderMark() throws {
    #expect(try JSONParser.parse([0xEF, 0xBB, 0xBF] + Array("{}".utf8)) == [:])
  }

  @Test func survivesDamage() throws {
    let text = #"{"a":[1,-2.5e3,true,null,"q\u00e9\ud83d\ude00\\"],"b":{"c":[[],{}]},"d":"é三"} "#
    for seed in UInt64(0)..<2000 {
      guard let json = try? JSONParser.parse(damaged(Array(text.utf8), seed: seed)) else {
        continue
      }
      let again = try JSONParser.parse(json.text(.indented))
      #expect(again == json, "seed \(seed)")
    }
  }

  // MARK: Parts and faults

  @Test func parsesAPart() throws {
    let bytes = Array("xx{\"a\": 1}, [2]yy".utf8)
    var parser = JSONParser(bytes, in: 2..<bytes.count - 2)
    #expect(try parser.parseValue() == ["a": 1])
    let hasComma = parser.consume(",")
    #expect(hasComma)
    #expect(parser.offset == 11)
    #expect(try parser.parseWhole() == [2])
    #expect(parser.isAtEnd && parser.offset == bytes.count - 2)
  }

  /// Every prefix of a text is incomplete, never wrong; and what is wrong is not incomplete.
  @Test func tellsCutTextsFromWrongOnes() throws {
    let text = Array(
      #"{"a": ["\u00e9\ud83d\ude00\n", -12.5e+3, true, false, null, {}], "é": [[]]}"#.utf8)
    for count in text.indices {
      let error = try #require(throws: JSONSyntaxError.self) {
        try JSONParser.parse(Array(text[..<count]))
      }
      #expect(error.isIncomplete, "cut at \(count): \(error)")
    }
    for wrong in ["{]", "[1 2", "{\"a\" 1", "tru}", "\"\\x", "[01", "nulL", "{} {", "1e999"] {
      let error = try #require(throws: JSONSyntaxError.self) { try JSONParser.parse(wrong) }
      #expect(!error.isIncomplete, "\(wrong): \(error)")
    }
  }

  @Test(arguments: [
    (#"[{"a": {"b": [1, NaN]}}, NaN]"#, "[0].a.b[1]", JSONValueFault.Kind.notANumber("NaN")),
    (#"{"x": [[]], "y": -Infinity, "z": NaN}"#, "y", .notANumber("-Infinity")),
    (#"{"a": {"b": 1}, "c": ["\ude00"]}"#, "c[0]", .halfCharacter("\\ude00")),
    ("18446744073709551615", "", .roundedNumber("18446744073709551615")),
  ])
  func notesWhatWouldChange(text: String, path: String, kind: JSONValueFault.Kind) throws {
    let bytes = Array(text.utf8)
    var parser = JSONParser(bytes, in: 0..<bytes.count, notesFaults: true)
    _ = try parser.parseWhole()
    let fault = try #require(parser.fault)
    #expect(fault.path == path && fault.kind == kind, "\(fault)")
  }

  /// Ends at every distance from where eight bytes are looked at once.
  @Test func findsTheEndOfStringsAnywhere() throws {
    for count in 0..<40 {
      let plain = String(repeating: "é!", count: count / 2) + (count % 2 == 0 ? "" : "\u{7F}")
      #expect(try JSONParser.parse("\"\(plain)\"") == .string(plain))
      #expect(try JSONParser.parse("\"\(plain)\\n\(plain)\"") == .string("\(plain)\n\(plain)"))
      #expect(throws: JSONSyntaxError.self) { try JSONParser.parse("\"\(plain)\u{1F}\"") }
    }
  }
}
