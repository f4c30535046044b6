import Formats
import TestSupport
import Testing

@testable import Text

@Suite struct GGUFVocabularyTests {
  /// A tokenizer file of tokens a, b, c, ab, abc and what `changes` adds, in a directory.
  private func vocabulary(
    rows: Int = 8, _ changes: [(key: String, value: JSON)], model: [(key: String, value: JSON)] = []
  ) throws -> GGUFVocabulary {
    var inner: JSON = [
      "type": "BPE", "vocab": ["a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4],
      "merges": [["a", "b"], "ab c"],
    ]
    for (key, value) in model { inner.set(key, value) }
    var root: JSON = ["model": inner]
    for (key, value) in changes { root.set(key, value) }
    let directory = try TemporaryDirectory()
    _ = try directory.write("tokenizer.json", root.text().utf8)
    return try GGUFVocabulary(
      directory: directory.path, rows: rows, ids: .init(), template: "T", endOfTurn: "<|e|>")
  }

  private func value(_ vocabulary: GGUFVocabulary, _ key: String) -> GGUFField? {
    vocabulary.fields.first { $0.key == "tokenizer.\(key)" }?.value
  }

  private static let bytes: JSON = ["type": "ByteLevel", "add_prefix_space": false]

  @Test func spellsByteLevelTokens() throws {
    let made = try vocabulary(
      [
        ("pre_tokenizer", Self.bytes),
        (
          "added_tokens",
          [
            ["id": 5, "content": "<|e|>", "special": false],
            ["id": 6, "content": "plain", "special": false],
          ]
        ),
      ])
    #expect(value(made, "ggml.model") == .string("gpt2"))
    #expect(value(made, "ggml.pre") == .string("gpt-2"))
    #expect(
      value(made, "ggml.tokens")
        == .strings(["a", "b", "c", "ab", "abc", "<|e|>", "plain", "[PAD7]"]))
    #expect(value(made, "ggml.token_type") == .int32s([1, 1, 1, 1, 1, 3, 4, 5]))
    #expect(value(made, "ggml.merges") == .strings(["a b", "ab c"]))
    #expect(value(made, "ggml.eot_token_id") == .uint32(5))
    #expect(value(made, "chat_template") == .string("T"))
    #expect(value(made, "ggml.add_bos_token") == .bool(false))
  }

  /// The names that llama.cpp has for the ways of published models.
  static let rules: [(name: String, steps: [JSON], ignoresMerges: Bool)] = [
    ("gpt-2", [bytes], false),
    ("smollm", [["type": "Digits", "individual_digits": true], bytes], false),
    ("llama-bpe", split(.llama3), true), ("dbrx", split(.llama3), false),
    ("qwen2", split(.qwen2), false), ("gpt-4o", split(.gpt4o), false),
    (
      "falcon",
      [
        ["type": "Punctuation", "behavior": "Contiguous"], bytes,
        ["type": "Digits", "individual_digits": false],
        ["type": "Split", "pattern": ["Regex": "[0-9][0-9][0-9]"], "behavior": "Isolated"],
      ], false
    ),
  ]

  private static func split(_ pattern: String) -> [JSON] {
    [
      [
        "type": "Split", "pattern": ["Regex": .string(pattern)], "behavior": "Isolated",
        "invert": false,
      ],
      ["type": "ByteLevel", "add_prefix_space": false, "use_regex": false],
    ]
  }

  @Test(arguments: rules.indices) func namesTheWayOfCutting(index: Int) throws {
    let rule = Self.rules[index]
    let made = try vocabulary(
      [("pre_tokenizer", ["type": "Sequence", "pretokenizers": .array(rule.steps)])],
      model: [("ignore_merges", .bool(rule.ignoresMerges))])
    #expect(value(made, "ggml.pre") == .string(rule.name))
  }

  @Test func refusesOtherWays() throws {
    for (steps, sentence) in [
      (Self.split("x+"), #"cuts words by "x+""#),
      ([["type": "ByteLevel", "add_prefix_space": true]], "puts a space before every text"),
      ([["type": "BertPreTokenizer"]], #"cuts words by "BertPreTokenizer""#),
    ] {
      let problem = #expect(throws: Problem.self) {
        try vocabulary([
          ("pre_tokenizer", ["type": "Sequence", "pretokenizers": .array(steps)])
        ])
      }
      #expect(problem?.description.contains(sentence) == true, "\(problem?.description ?? "")")
    }
  }

  @Test func warnsOfNormalization() throws {
    let made = try vocabulary([("normalizer", ["type": "NFC"]), ("pre_tokenizer", Self.bytes)])
    #expect(made.warnings.count == 1)
  }

  /// Scores fall with the order of merges, so that llama.cpp merges in the same order.
  @Test func makesScoresOfMerges() throws {
    let made = try vocabulary(
      rows: 10,
      [
        ("normalizer", ["type": "Replace", "pattern": ["String": " "], "content": "\u{2581}"]),
        (
          "added_tokens",
          [
            ["id": 5, "content": "<unk>", "special": true],
            ["id": 7, "content": "\u{2581}\u{2581}", "special": false],
            ["id": 8, "content": "<s>", "special": true],
          ]
        ),
        (
          "post_processor",
          [
            "type": "TemplateProcessing",
            "single": [["SpecialToken": ["id": "<s>"]], ["Sequence": ["id": "A"]]],
            "special_tokens": ["<s>": ["ids": [8]]],
          ]
        ),
      ],
      model: [
        ("byte_fallback", true), ("unk_token", "<unk>"),
        ("vocab", ["a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4, "<unk>": 5, "<0x0A>": 6]),
      ])
    #expect(value(made, "ggml.model") == .string("llama"))
    #expect(
      value(made, "ggml.scores") == .float32s([-2, -2, -2, 0, -1, 0, -2, -10000, -10000, -10000]))
    #expect(value(made, "ggml.token_type") == .int32s([1, 1, 1, 1, 1, 2, 6, 4, 3, 5]))
    guard case .strings(let tokens)? = value(made, "ggml.tokens") else { return }
    #expect(tokens[7] == "  ")
    #expect(value(made, "ggml.add_space_prefix") == .bool(false))
    #expect(value(made, "ggml.merges") == nil)
  }

  @Test func refusesWhatDoesNotBelongTogether() throws {
    let tooFew = #expect(throws: Problem.self) {
      try vocabulary(rows: 4, [("pre_tokenizer", Self.bytes)])
    }
    #expect(tooFew?.description.contains("the model has 4 tokens") == true)
    let kind = #expect(throws: Problem.self) { try vocabulary([], model: [("type", "WordPiece")]) }
    #expect(kind?.description.contains(#"a "WordPiece" tokenizer"#) == true)
  }
}
