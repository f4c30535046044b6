import Formats
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
}
