import Formats
import TestSupport
import Testing
import Text

@testable import Rows

@Suite struct RowStatisticsTests {
  private func statistics(rendered: Bool) throws -> RowStatistics {
    let rows = [
      #"{"conversations": [{"from": "human", "value": "the"}, {"from": "gpt", "value": "brook"}]}"#,
      #"{"conversations": [{"from": "human", "value": "water"}]}"#,
      #"{"conversations": [{"from": "human", "value": "the water"}, {"from": "gpt", "value": "the brook"}, {"from": "human", "value": "the"}, {"from": "gpt", "value": "water"}]}"#,
      "{",
    ]
    let directory = try TemporaryDirectory()
    let text = rows.map { $0 + "\n" }.joined()
    let path = try directory.write("r.jsonl", text.utf8)
    let model = goldenPath("template-rendering")
    let renderer = Renderer(
      tokenizer: try Tokenizer.load(model),
      template: try ChatTemplate.choose("chatml", modelPath: model), trainOn: .assistant)
    let source = RowCheckRun.Source(RowSource(path: path, format: .sharegpt), .train)
    var seen = 0
    let all = try RowStatistics.read(
      [source], renderer: rendered ? renderer : nil, observe: { _, _ in seen += 1 })
    #expect(seen == 4)
    return try #require(all.first)
  }

  @Test func tokensAreCounted() throws {
    let found = try statistics(rendered: true)
    #expect(found.rows == 4 && found.refusedRows == 2)
    #expect(found.messages == 6 && found.answers == 3)
    #expect(found.lengths.count == 2 && found.lengths.reduce(0, +) == found.tokens)
    #expect(found.trainedTokens > 0 && found.trainedTokens < found.tokens)
    #expect(found.longest.map(\.place.line) == [3, 1])
    #expect(found.longest.map(\.length) == found.lengths.sorted(by: >))
  }

  @Test func bytesAreCountedWithoutAModel() throws {
    let found = try statistics(rendered: false)
    #expect(found.tokens == 0 && found.lengths == [8, 26])
  }
}
