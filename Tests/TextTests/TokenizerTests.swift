import Formats
import TestSupport
import Testing
import Text

/// Token ids against Hugging Face's tokenizers; made by scripts/golden/tokenizer.py.
@Suite struct TokenizerTests {
  static let families = ["gpt2", "smollm", "llama3", "qwen2"]

  func load(_ family: String) throws -> Tokenizer {
    try Tokenizer.load(goldenPath("tokenizer/\(family)"))
  }

  func texts() throws -> [String] {
    try (readJSON(goldenPath("tokenizer/expected.json"))["texts"]?.array ?? []).compactMap(\.string)
  }

  @Test(arguments: families)
  func idsEqualTheReference(family: String) throws {
    let tokenizer = try load(family)
    let json = try readJSON(goldenPath("tokenizer/expected.json"))
    let expected = try #require(json["ids"]?[family]?.array)
    let texts = try texts()
    #expect(texts.count == expected.count && texts.count > 20)
    for (text, ids) in zip(texts, expected) {
      let reference = (ids.array ?? []).compactMap { $0.integer.map(Int32.init) }
      #expect(tokenizer.encode(text) == reference, "\(text)")
    }
  }

  @Test(arguments: families)
  func decodingGivesTheTextBack(family: String) throws {
    let tokenizer = try load(family)
    for text in try texts() {
      let decoded = tokenizer.decode(tokenizer.encode(text), skipSpecialTokens: false)
      // One family brings characters into composed form first, another token takes a space with it.
      guard family != "qwen2" || !text.unicodeScalars.contains("\u{301}") else { continue }
      #expect(Array(decoded.utf8) == Array(text.utf8), "\(text)")
    }
  }

  @Test(arguments: families)
  func offsetsCoverTheTextInOrder(family: String) throws {
    let tokenizer = try load(family)
    for text in try texts() {
      let (ids, ranges) = tokenizer.encodeWithOffsets(text)
      #expect(ids == tokenizer.encode(text))
      #expect(ids.count == ranges.count)
      var end = 0
      for range in ranges {
        #expect(
          range.lowerBound <= range.upperBound && range.upperBound <= text.utf8.count, "\(text)")
        #expect(range.upperBound >= end, "\(text)")
        end = range.upperBound
      }
      #expect(end == text.utf8.count, "\(text)")
    }
  }

  /// A run without a break: in quadratic time this would take minutes.
  @Test func longRunsComeBackWhole() throws {
    let tokenizer = try load("smollm")
    let text = String(repeating: "ab", count: 500_000)
    #expect(tokenizer.decode(tokenizer.encode(text)) == text)
  }

  @Test(arguments: ["Mystery", "Words"])
  func otherTypesAreNamed(type: String) throws {
    let folder = try TemporaryDirectory()
    let text = "{\"model\": {\"type\": \"\(type)\", \"vocab\": []}}"
    _ = try folder.write("tokenizer.json", text.utf8)
    let problem = #expect(throws: Problem.self) { try Tokenizer.load(folder.path) }
    #expect(problem?.description.contains(type) == true, "\(problem?.description ?? "")")
  }
}
