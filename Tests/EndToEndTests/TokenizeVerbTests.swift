import Formats
import TestSupport
import Testing

/// `finetune tokenize`, against ids that scripts/golden/tokenizer_kinds.py took from Hugging Face's
/// tokenizers.
@Suite struct TokenizeVerbTests {
  private static let kind = "spm-bpe-llama"
  private static let model = goldenPath("tokenizer/kinds/\(kind)")

  private func golden() throws -> JSON { try readJSON(goldenPath("tokenizer/kinds/expected.json")) }

  private func run(_ arguments: [String], input: String) throws -> Binary.Result {
    let folder = try TemporaryDirectory()
    let file = try folder.write("input.txt", input.utf8)
    return try Binary.run(["tokenize", "--model", Self.model, "--file", file] + arguments)
  }

  private func line(_ ids: JSON?) -> String {
    (ids?.array ?? []).compactMap { $0.integer.map(String.init) }.joined(separator: " ")
  }

  /// Every line is a text of its own, whatever is in it: line ends, nothing, quotation marks.
  @Test func linesAreOneTextEach() throws {
    let golden = try golden()
    let texts = golden["texts"]?.array ?? []
    let expected = golden["tokenizers"]?[Self.kind]?["ids"]?.array ?? []
    #expect(texts.count == expected.count && texts.count > 60)
    let input = texts.map { $0.text() + "\n" }.joined() + "\n\n"
    let result = try run(["--lines"], input: input)
    #expect(result.status == 0 && result.error == "")
    #expect(result.output == expected.map { line($0) + "\n" }.joined())
  }

  @Test func linesMayBeJSON() throws {
    let golden = try golden()
    let result = try run(["--lines", "--json"], input: "\"the\"\n\"\"")
    let ids = try #require(golden["tokenizers"]?[Self.kind]?["special"]?.array?.dropFirst())
    #expect(result.output == "{\"ids\":\(JSON.array(Array(ids)).text())}\n{\"ids\":[]}\n")
  }

  @Test(arguments: ["the", "{\"text\": \"the\"}", "\"the"])
  func aLineThatIsNoStringIsNamed(line: String) throws {
    let result = try run(["--lines"], input: "\"a\"\n\(line)\n")
    #expect(result.status == 2)
    #expect(result.error.contains("input:2: the line is no JSON string"), "\(result.error)")
  }

  @Test func specialTokensStandAroundTheText() throws {
    let special = try golden()["tokenizers"]?[Self.kind]?["special"]
    let plain = try run([], input: "the")
    let result = try run(["--special-tokens"], input: "the")
    #expect(result.output == line(special) + "\n")
    #expect(result.output.hasSuffix(plain.output) && result.output != plain.output)
    // Of many texts each gets them.
    let lines = try run(["--lines", "--special-tokens"], input: "\"the\"\n\"the\"\n")
    #expect(lines.output == result.output + result.output)
  }

  /// A text that begins with the first of them gets no second one.
  @Test func aTextThatBeginsWithTheFirstGetsNoSecond() throws {
    let once = try run(["--special-tokens"], input: "<s>the")
    let plain = try run([], input: "<s>the")
    #expect(once.output == plain.output && once.output.hasPrefix("1 "))
  }
}
