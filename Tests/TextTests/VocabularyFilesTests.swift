import Formats
import TestSupport
import Testing

@testable import Text

/// Directories that have no `tokenizer.json`, or whose configuration adds tokens to it.
@Suite struct VocabularyFilesTests {
  private static func source(_ kind: String) throws -> JSON {
    try readJSON(goldenPath("tokenizer/kinds/\(kind)/tokenizer.json"))
  }

  /// A directory with `vocab.json`, `merges.txt` and the tokens of `added_tokens_decoder`.
  private static func directory(
    _ kind: String, class name: String, lineEnd: String = "\n", adding more: [(String, JSON)] = []
  ) throws -> TemporaryDirectory {
    let source = try source(kind)
    let folder = try TemporaryDirectory()
    _ = try folder.write("vocab.json", (source["model"]?["vocab"] ?? .null).text().utf8)
    let merges = (source["model"]?["merges"]?.array ?? []).map { pair in
      (pair.array ?? []).compactMap(\.string).joined(separator: " ")
    }
    #expect(merges.count > 200)
    let lines = ["#version: 0.2"] + merges
    _ = try folder.write("merges.txt", lines.map { $0 + lineEnd }.joined().utf8)
    let added = (source["added_tokens"]?.array ?? []).map { token in
      (key: "\(token["id"]?.integer ?? -1)", value: token)
    }
    let decoder = JSONObject(added + more.map { (key: $0.0, value: $0.1) })
    let configuration: JSON = [
      "tokenizer_class": .string(name), "added_tokens_decoder": .object(decoder),
    ]
    _ = try folder.write("tokenizer_config.json", configuration.text().utf8)
    return folder
  }

  private static func texts(_ json: JSON?) -> [String] {
    (json?.array ?? []).compactMap(\.string)
  }

  /// They have the ids of the `tokenizer.json` with the same vocabulary.
  @Test(arguments: [
    ("bpe-gpt2", "GPT2Tokenizer", "\n"), ("bpe-gpt2", "GPT2TokenizerFast", "\r\n"),
    ("bpe-qwen2", "Qwen2Tokenizer", "\n"),
  ])
  func vocabularyAndMergesEqualTheReference(kind: String, name: String, lineEnd: String) throws {
    let folder = try Self.directory(kind, class: name, lineEnd: lineEnd)
    let tokenizer = try Tokenizer.load(folder.path)
    let golden = try readJSON(goldenPath("tokenizer/kinds/expected.json"))
    let expected = try #require(golden["tokenizers"]?[kind]?["ids"]?.array)
    let texts = Self.texts(golden["texts"])
    #expect(texts.count == expected.count && texts.count > 60)
    for (text, ids) in zip(texts, expected) {
      let reference = (ids.array ?? []).compactMap { $0.integer.map(Int32.init) }
      #expect(tokenizer.encode(text) == reference, "\(text.debugDescription)")
    }
    #expect(tokenizer.specialTokens.map(\.text).contains("<|endoftext|>"))
  }

  @Test func anUnknownClassIsNamed() throws {
    let folder = try Self.directory("bpe-gpt2", class: "MysteryTokenizer")
    let problem = #expect(throws: Problem.self) { try Tokenizer.load(folder.path) }
    #expect(problem?.description.contains("MysteryTokenizer") == true)
  }

  /// Tokens of "added_tokens_decoder" have the ids and the switches that stand there.
  @Test func addedTokensHaveTheirIDsAndSwitches() throws {
    let folder = try Self.directory(
      "bpe-gpt2", class: "GPT2Tokenizer",
      adding: [
        ("700", ["content": "<|right|>", "rstrip": true, "special": true]),
        ("600", ["content": "<|left|>", "lstrip": true, "special": false]),
        ("601", ["content": "word", "single_word": true, "normalized": false]),
      ])
    let tokenizer = try Tokenizer.load(folder.path)
    #expect(tokenizer.vocabularySize == 701)
    #expect(tokenizer.id(of: "<|right|>") == 700 && tokenizer.token(for: 600) == "<|left|>")
    func ids(_ text: String) -> [Int32] { tokenizer.encode(text) }
    #expect(ids("a<|right|>  b") == ids("a") + [700] + ids("b"))
    #expect(ids("a  <|left|> b") == ids("a") + [600] + ids(" b"))
    #expect(ids("a,word") == ids("a,") + [601])
    #expect(!ids("awords").contains(601))
    #expect(tokenizer.decode([700, 600]) == "<|left|>")
    #expect(tokenizer.specialTokens.map(\.id).contains(700))
    #expect(!tokenizer.specialTokens.map(\.id).contains(600))
  }

  @Test(arguments: ["-1", "x", "99999999999"])
  func idsThatNoTokenCanHaveAreRefused(id: String) throws {
    let folder = try Self.directory(
      "bpe-gpt2", class: "GPT2Tokenizer", adding: [(id, ["content": "<|x|>"])])
    let problem = #expect(throws: Problem.self) { try Tokenizer.load(folder.path) }
    #expect(problem?.description.contains("\"added_tokens_decoder\" has the id \"\(id)\"") == true)
  }

  @Test func anAddedTokenWithoutTextIsRefused() throws {
    let folder = try Self.directory(
      "bpe-gpt2", class: "GPT2Tokenizer", adding: [("700", ["special": true])])
    let problem = #expect(throws: Problem.self) { try Tokenizer.load(folder.path) }
    #expect(problem?.description.contains("has no \"content\"") == true)
  }

  /// A token that `tokenizer.json` does not know comes behind its own.
  @Test func tokensOfTheConfigurationAloneComeLast() throws {
    let folder = try TemporaryDirectory()
    let path = goldenPath("tokenizer/kinds/bpe-gpt2/tokenizer.json")
    _ = try folder.write("tokenizer.json", try readFile(path))
    let configuration =
      "{\"added_tokens_decoder\": {\"511\": {\"content\": \"<|endoftext|>\", \"special\": true}, "
      + "\"900\": {\"content\": \"<|x|>\", \"special\": true}}}"
    _ = try folder.write("tokenizer_config.json", configuration.utf8)
    let tokenizer = try Tokenizer.load(folder.path)
    #expect(tokenizer.id(of: "<|x|>") == 512 && tokenizer.vocabularySize == 513)
    #expect(tokenizer.encode("<|x|>") == [512])
  }
}
