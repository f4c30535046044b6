import Formats
import Testing
import Text

@Suite struct SearchPatternTests {
  private func matches(_ source: String, _ text: String) throws -> Bool {
    try SearchPattern(source, place: "--keep").matches(Array(text.utf8))
  }

  @Test func patternsAreFoundAnywhere() throws {
    #expect(try matches("b+", "abbc") && !matches("^b", "abbc"))
    #expect(try matches("^two$", "one\ntwo\nthree"))
    #expect(try matches("(?i)FÄHRE", "die fähre") && matches(#"\p{Han}"#, "渡口"))
    #expect(try matches("", "") && !matches("a", ""))
  }

  @Test func whatIsNoPatternIsASentence() {
    #expect {
      try SearchPattern("a(b", place: "--keep")
    } throws: {
      ($0 as? Problem)?.description.hasPrefix(
        "--keep: the pattern \"a(b\" cannot be read at character 4: missing closing") == true
    }
  }

  /// Exponentially many ways to fail.
  @Test(.timeLimit(.minutes(1))) func aSearchWithoutEndIsGivenUp() throws {
    let pattern = try SearchPattern("^(a+)+$", place: "--remove")
    #expect {
      try pattern.matches(Array((String(repeating: "a", count: 40) + "b").utf8))
    } throws: {
      ($0 as? Problem)?.description.contains("was given up") == true
    }
    // The next search starts anew.
    #expect(try pattern.matches(Array("aaa".utf8)))
  }
}
