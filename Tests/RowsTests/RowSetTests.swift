import Formats
import Foundation
import Testing
import Text

@testable import Rows

@Suite struct RowSetTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Golden/template-rendering")

  private func renderer(_ template: String = "chatml") throws -> Renderer {
    let path = Self.folder.path
    return Renderer(
      tokenizer: try Tokenizer.load(path),
      template: try ChatTemplate.choose(template, modelPath: path), trainOn: .assistant)
  }

  private func load(
    _ text: String, named name: String = "r.jsonl", format: RowFormat = .alpaca,
    maxLength: Int = 1000, overlong: Overlong = .drop, template: String = "chatml"
  ) throws -> RowSet {
    var set: RowSet?
    try withRows(text, named: name) { path in
      set = try RowSet.load(
        RowLoading(
          [RowSource(path: path, format: format)], renderer: try renderer(template),
          maxLength: maxLength, overlong: overlong))
    }
    return try #require(set)
  }

  private static let good = #"{"instruction": "q", "output": "the brook"}"# + "\n"
  private static let long =
    #"{"instruction": "q", "output": ""# + String(repeating: "water ", count: 60) + "\"}\n"
  /// Nothing of this row's answer is left when it is cut to 40 tokens.
  private static let longQuestion =
    #"{"instruction": ""# + String(repeating: "water ", count: 60) + #"", "output": "a"}"# + "\n"

  @Test func reportsEveryRowThatItDrops() throws {
    let set = try load(Self.good + "\n" + "{}\n" + Self.good + "[]\n")
    #expect(set.rows.count == 2)
    #expect(set.verdicts.map(\.action) == [.dropped, .dropped])
    #expect(set.verdicts.map { $0.place.line } == [3, 5])
    #expect(set.verdicts.map { $0.place.index } == [1, 3])
    #expect(set.verdicts[0].description.contains("r.jsonl:3: dropped: \"instruction\" is missing"))
    let json = set.verdicts[0].json
    #expect(json["line"] == 3 && json["index"] == 1 && json["action"] == "dropped")
    #expect(json["file"]?.string?.hasSuffix("r.jsonl") == true)
    #expect(json["reason"] == "\"instruction\" is missing, expected a string")
  }

  @Test func labelsAreTheAnswerAndItsEnd() throws {
    let rows = try load(Self.good).rows
    let row = try rows.tokens(0)
    let tokenizer = try Tokenizer.load(Self.folder.path)
    let trained = row.labels.filter { $0 != RenderedRow.ignoredLabel }
    #expect(tokenizer.decode(trained, skipSpecialTokens: false) == "the brook<|im_end|>")
    #expect(zip(row.ids, row.labels).allSatisfy { $1 == RenderedRow.ignoredLabel || $0 == $1 })
    #expect(try rows.place(0).description.hasSuffix("r.jsonl:1"))
  }

  @Test func dropsLongRows() throws {
    let set = try load(Self.good + Self.long, maxLength: 40)
    #expect(set.rows.count == 1)
    #expect(set.verdicts.map(\.action) == [.dropped])
    #expect(set.verdicts[0].reason.hasSuffix("tokens are more than max_length 40"))
  }

  @Test func cutsLongRowsOnTheRight() throws {
    let whole = try load(Self.long).rows.tokens(0)
    let set = try load(Self.long + Self.longQuestion, maxLength: 40, overlong: .truncate)
    #expect(set.rows.count == 1)
    #expect(try set.rows.tokens(0).ids == Array(whole.ids.prefix(40)))
    #expect(try set.rows.tokens(0).labels == Array(whole.labels.prefix(40)))
    #expect(set.verdicts.map(\.action) == [.truncated, .dropped])
    #expect(set.verdicts[1].reason.contains("no trained token is left"))
  }

  @Test func refusesLongRows() throws {
    let error = try #require(throws: Problem.self) {
      try load(Self.good + Self.long + Self.long, maxLength: 40, overlong: .error)
    }
    #expect(error.description.contains("2 problems"))
    #expect(error.description.contains("r.jsonl:2: "))
  }

  @Test(arguments: [
    ("r.jsonl", "{}\n{}\n", "none of the 2 rows"), ("r.jsonl", "\n\n", "there are no rows"),
    ("r.json", "[]", "there are no rows"),
  ])
  func nothingToLearnIsAProblem(name: String, text: String, sentence: String) throws {
    let error = try #require(throws: Problem.self) { try load(text, named: name) }
    #expect(error.description.contains(sentence), "\(error)")
  }

  @Test func rowsThatATemplateRefusesAreDropped() throws {
    let row = #"{"conversations": [{"from": "gpt", "value": "a"}]}"# + "\n"
    let answered =
      #"{"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}"#
    try withRows(
      "{% if messages[0].role != 'user' %}{{ raise_exception('who asks?') }}{% endif %}"
        + "{{ messages[1].content }}<|im_end|>", named: "t.jinja"
    ) { template in
      let set = try load(row + answered, format: .sharegpt, template: template)
      #expect(set.rows.count == 1)
      #expect(set.verdicts.map(\.reason).allSatisfy { $0.hasSuffix("who asks?") })
      #expect(set.verdicts.count == 1)
    }
  }

  @Test func reportsToolsThatTheTemplateDoesNotShow() throws {
    let row =
      #"{"conversations": [{"from": "gpt", "value": "a"}], "tools": [{"name": "f"}]}"# + "\n"
    let set = try load(row, format: .sharegpt)
    #expect(set.rows.count == 1)
    #expect(set.verdicts.map(\.action) == [.changed])
  }

  @Test func warnsWhereAnswersDoNotEnd() throws {
    #expect(try load(Self.good).warnings.first == nil)
    try withRows("{{ messages[1].content }}.", named: "t.jinja") { template in
      let warning = try load(Self.good, template: template).warnings.first
      #expect(warning?.contains("1 of 1 rows") == true)
    }
  }

  @Test func aTemplateForOtherModelsIsAProblemBeforeAnyRow() throws {
    let error = try #require(throws: Problem.self) { try load("{", template: "llama3") }
    #expect(error.description.hasPrefix("data.template: "))
  }
}
