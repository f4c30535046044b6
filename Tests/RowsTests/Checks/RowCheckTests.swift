import Formats
import Foundation
import TestSupport
import Testing
import Text

@testable import Rows

/// A file of good rows with one row of each kind of damage in it.
@Suite struct RowCheckTests {
  @Test func everyPlantedRowIsFoundAndNoOther() throws {
    let planted = try PlantedFiles(rows: 5000, seed: 1)
    #expect(Set(planted.damage.values).count >= 38)
    var run = planted.run
    run.renderer = try PlantedFiles.renderer()
    (run.maxLength, run.positions) = (3000, 1800)
    var seen: [Int] = []
    let report = try run.run { seen.append($0) }
    planted.expect(report)
    #expect(report.rows == 5000 + 100 + planted.damage.count)
    #expect(!seen.isEmpty && seen == seen.sorted())
    #expect(report.count(.damage) >= 17 && report.isRendered)
  }

  /// What needs tokens is not found then; the rest is.
  @Test func textsAreCheckedWithoutAModel() throws {
    let planted = try PlantedFiles(rows: 600, seed: 2)
    let report = try planted.run.run()
    let needsModel: Set<RowFindingKind> = [
      .nothingTrained, .overlong, .beyondPositions, .templateRefused, .controlToken,
    ]
    planted.expect(report, isHidden: { needsModel.contains($0) })
    #expect(!report.isRendered)
    // Without a tokenizer, its markup is still known.
    #expect(report.findings.filter { $0.kind == .chatMarkup }.count == 2)
  }

  /// Pairs whose words were not kept are read again and judged alike.
  @Test func rowsAreReadAgainWhereMemoryEnds() throws {
    let planted = try PlantedFiles(rows: 600, seed: 3)
    var run = planted.run
    let all = try run.run().findings
    run.shinglesKept = 0
    #expect(try run.run().findings == all)
    #expect(all.contains { $0.kind == .nearDuplicate } && all.contains { $0.kind == .nearLeak })
  }

  @Test func onlySomeFindingsAreKeptAndAllAreCounted() throws {
    let directory = try TemporaryDirectory()
    let row = #"{"instruction": "Where is the ferry?", "output": ""}"# + "\n"
    let path = try directory.write("r.jsonl", String(repeating: row, count: 9).utf8)
    var run = RowCheckRun([.init(RowSource(path: path, format: .alpaca), .train)])
    run.findingsKept = 2
    let report = try run.run()
    #expect(report.entries.map(\.count) == [9])
    #expect(report.findings.map(\.place.line) == [1, 2])
    #expect(report.json["damage"] == 9 && report.json["kinds"]?["empty-answer"] == 9)
    #expect(report.json["findings"]?.array?.first?["kind"] == "empty-answer")
  }

  // MARK: What is about files

  private func findings(
    _ texts: [(name: String, text: String, part: RowPart)], format: RowFormat = .alpaca,
    renderer: Renderer? = nil
  ) throws -> [RowFinding] {
    let directory = try TemporaryDirectory()
    let sources = try texts.map { name, text, part in
      let path = directory.path(name)
      if !text.isEmpty { _ = try directory.write(name, text.utf8) }
      return RowCheckRun.Source(RowSource(path: path, format: format), part)
    }
    var run = RowCheckRun(sources)
    run.renderer = renderer
    return try run.run().findings
  }

  private static func alpaca(_ question: String, _ answer: String) -> String {
    let row: JSON = ["instruction": .string(question), "output": .string(answer)]
    return row.text() + "\n"
  }

  @Test func aFileUnderTwoNamesIsFound() throws {
    let text = Self.alpaca("Where does the ferry land?", "At the old pier.")
    let found = try findings([("r.jsonl", text, .train), ("./r.jsonl", "", .heldOut)])
    #expect(found.map(\.kind) == [.sameFile, .leak])
    #expect(found.map(\.severity) == [.damage, .damage])
    #expect(found[1].other?.line == 1)
  }

  @Test func aFileThatIsCutIsSaid() throws {
    let row = #"{"instruction": "Where does it land?", "output": "There."}"#
    let found = try findings([("r.json", "[\(row), {\"instr", .train)])
    #expect(found.map(\.kind) == [.unreadableFile])
    #expect(throws: Problem.self) { try findings([("r.json", "{}", .train)]) }
    #expect(throws: Problem.self) { try findings([("none.jsonl", "", .train)]) }
  }

  @Test func oneAnswerForMostRowsIsSaid() throws {
    let words = ["north", "south", "east", "west"]
    func rows(_ same: Int) -> String {
      (0..<24).map { index in
        Self.alpaca(
          "Is ferry \(index) to the \(words[index % 4]) on time today?",
          index < same ? "Yes." : "No, it is \(index) minutes late.")
      }.joined()
    }
    let found = try findings([("r.jsonl", rows(13), .train)])
    #expect(found.map(\.kind) == [.dominantAnswer])
    #expect(found.first?.sentence.hasPrefix("13 of 24 rows") == true)
    #expect(try findings([("r.jsonl", rows(12), .train)]).isEmpty)
  }

  @Test func answersWithoutAnEndAreFound() throws {
    let renderer = try PlantedFiles.renderer(
      "{{ messages[0].content }}: {{ messages[1].content }}.")
    let text = Self.alpaca("Where does the ferry land?", "At the old pier")
    let found = try findings([("r.jsonl", text, .train)], renderer: renderer)
    #expect(found.map(\.kind) == [.endNotTrained])
  }

  @Test func whatATemplateDoesNotShowIsNoted() throws {
    let renderer = try PlantedFiles.renderer(
      "{% for message in messages %}{{ message.content }}<|im_end|>{% endfor %}")
    let row =
      #"{"conversations": [{"from": "human", "value": "Which way?"}, {"from": "gpt", "value": "Left."}], "tools": [{"name": "f"}]}"#
    let found = try findings(
      [("r.jsonl", row + "\n", .train)], format: .sharegpt, renderer: renderer)
    #expect(found.map(\.kind) == [.notShown])
  }

  /// The same document with another question is another row, and so is another answer.
  @Test func aSharedDocumentIsNoDuplicate() throws {
    var rows = GoodRows(seed: 4)
    let document = rows.sentences(30)
    let text = (0..<6).map { _ in
      Self.alpaca(document + "\n\n" + rows.sentences(1), rows.sentences(1))
    }.joined()
    #expect(try findings([("r.jsonl", text, .train)]).isEmpty)
  }

  @Test(
    arguments: [
      (#"{"instruction": "q", "response": "a", "completion": "b"}"#, .refusedRow),
      (#"{"instruction": "q"}"#, .missingField),
      (#"{"instruction": 5, "output": "a"}"#, .wrongType),
      (#"{"instruction": "q", "input": 7, "output": "a"}"#, .wrongType),
      (#"{"instruction": " ", "output": "a"}"#, .emptyQuestion), ("[]", .wrongType),
      (#"{"instruction": "q", "output": " "}"#, .emptyAnswer), ("null", .wrongType),
      (#"{"instruction": "q", "output": "a", "history": [["b"]]}"#, .wrongType),
      (#"{"instruction": "q", "output": "a", "tools": "[{"}"#, .wrongType), ("{", .malformedRow),
    ] as [(String, RowFindingKind)])
  func refusedRowsAreSorted(line: String, kind: RowFindingKind) throws {
    let good = Self.alpaca("Where does the ferry land?", "At the old pier.")
    let found = try findings([("r.jsonl", good + line + "\n", .train)])
    #expect(found.map(\.kind) == [kind])
    #expect(found.first?.place.line == 2)
    #expect(found.first?.severity == .damage)
  }
}
