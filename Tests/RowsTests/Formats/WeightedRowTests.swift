import Formats
import Testing
import Text

@testable import Rows

/// From rows to tokens: weights, ends of turns, documents that are divided.
@Suite struct WeightedRowTests {
  private func rendered(
    _ text: String, _ format: RowFormat, trainOn: TrainOn = .assistant, trainsTurnEnds: Bool = true,
    longestPart: Int? = nil
  ) throws -> [RenderedRow] {
    let path = goldenFolder
    var renderer = Renderer(
      tokenizer: try Tokenizer.load(path),
      template: try ChatTemplate.choose("chatml", modelPath: path), trainOn: trainOn,
      trainsTurnEnds: trainsTurnEnds)
    renderer.longestPart = longestPart
    let reader = RowReader(RowSource(path: "r.jsonl", format: format))
    let place = RowPlace(file: "r.jsonl", index: 0, line: 1, isLineFile: true)
    let outcome = RowOutcome(try JSONParser.parse(text), at: place, reader, renderer)
    try #require(outcome.fault == nil, "\(outcome.fault ?? "")")
    return outcome.rows
  }

  private var goldenFolder: String {
    "\(#filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined())/Golden/template-rendering"
  }

  private func text(of labels: some Sequence<Int32>) throws -> String {
    try Tokenizer.load(goldenFolder).decode(
      labels.filter { $0 != RenderedRow.ignoredLabel }, skipSpecialTokens: false)
  }

  private let chat =
    #"{"weight": 0.5, "messages": [{"role": "user", "content": "one"}, {"role": "assistant", "content": "the mill", "#
    + #""weight": 3}, {"role": "user", "content": "two"}, {"role": "assistant", "content": "the wheel"}, "#
    + #"{"role": "user", "content": "three"}, {"role": "assistant", "content": "no", "weight": 0}]}"#

  @Test func weightsOfRowsAndMessagesMultiply() throws {
    let row = try rendered(chat, .messages)[0]
    let weights = try #require(row.weights)
    func part(_ weight: Float) throws -> String {
      try text(of: zip(row.labels, weights).filter { $0.1 == weight }.map(\.0))
    }
    #expect(try part(1.5) == "the mill<|im_end|>")
    #expect(try part(0.5) == "the wheel<|im_end|>")
    #expect(zip(row.labels, weights).allSatisfy { ($0 == RenderedRow.ignoredLabel) == ($1 == 0) })
  }

  /// Everything counts, but what the row weighs otherwise.
  @Test func weightsHoldWhereEverythingIsTrained() throws {
    let row = try rendered(chat, .messages, trainOn: .all)[0]
    let weights = try #require(row.weights)
    #expect(Set(weights) == [0, 0.5, 1.5])
    let skipped = zip(row.ids, weights).filter { $0.1 == 0 }.map(\.0)
    #expect(try text(of: skipped) == "no<|im_end|>")
  }

  @Test func weightsOfOneAreNone() throws {
    let row = try rendered(
      #"{"instruction": "q", "output": "a", "weight": 1}"#, .alpaca)[0]
    #expect(row.weights == nil && row.isTrained)
    let none = try rendered(#"{"instruction": "q", "output": "a", "weight": 0}"#, .alpaca)[0]
    #expect(!none.isTrained)
  }

  @Test func theEndOfATurnIsLeftOutWhereAsked() throws {
    let row = try rendered(
      #"{"instruction": "q", "output": "the mill"}"#, .alpaca, trainsTurnEnds: false)[0]
    #expect(try text(of: row.labels) == "the mill")
  }

  @Test func aCompletionIsLearntWithTheEndOfAText() throws {
    let row = try rendered(#"{"prompt": "Water", "completion": " turns"}"#, .completion)[0]
    #expect(try text(of: row.ids) == "Water turns<|im_end|>")
    #expect(try text(of: row.labels) == " turns<|im_end|>")
    // A token that would reach from one into the other is divided.
    let inside = try rendered(#"{"prompt": "the whe", "completion": "el"}"#, .completion)[0]
    #expect(try text(of: inside.labels) == "el<|im_end|>")
    #expect(try text(of: inside.ids) == "the wheel<|im_end|>")
  }

  @Test(arguments: [2, 3, 7, 8, 20, 1000])
  func aDocumentIsDividedAndNothingIsLost(longest: Int) throws {
    let document = String(repeating: "Water turns the wheel. ", count: 9)
    let json = JSON.object(JSONObject([("text", .string(document))])).text()
    let whole = try rendered(json, .text)[0]
    #expect(whole.ids.last == whole.labels.last && whole.labels == whole.ids)
    let parts = try rendered(json, .text, longestPart: longest)
    #expect(parts.allSatisfy { $0.ids.count <= longest && $0.ids.count >= 2 })
    // Each part begins with the last token of the one before, which is not predicted again.
    let tokens = parts.enumerated().flatMap { $0 == 0 ? $1.ids[...] : $1.ids.dropFirst() }
    #expect(tokens == whole.ids)
    let sizes = parts.map(\.ids.count)
    #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
  }

  @Test func tokensGoThroughAsTheyAre() throws {
    let row = try rendered(
      #"{"input_ids": [5, 6, 7], "labels": [-100, 6, 7], "weight": 2}"#, .tokens)[0]
    #expect(row.ids == [5, 6, 7] && row.labels == [-100, 6, 7] && row.weights == [0, 2, 2])
  }
}
