import Formats
import Foundation
import TestSupport
import Testing
import Text

@testable import Rows

/// A file of good rows with one row of each kind of damage in it.
@Suite struct RowCheckTests {
  /// Shows tools and calls; refuses a system prompt, as templates of some families do.
  private static let template =
    "{% if messages[0].role == 'system' %}{{ raise_exception('no system prompt') }}{% endif %}"
    + "{% if tools %}{{ '<|im_start|>tools\n' }}{{ tools | tojson }}{{ '<|im_end|>\n' }}{% endif %}"
    + "{% for message in messages %}{{ '<|im_start|>' + message.role + '\n' + message.content }}"
    + "{% for call in message.tool_calls or [] %}{{ call.function | tojson }}{% endfor %}"
    + "{{ '<|im_end|>\n' }}{% endfor %}"
    + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"

  private static func renderer(_ template: String = Self.template) throws -> Renderer {
    Renderer(
      tokenizer: try Tokenizer.load(goldenPath("template-rendering")),
      template: try ChatTemplate(source: template, name: "test"), trainOn: .assistant)
  }

  /// Two files and what is wrong in them.
  private struct Planted {
    let directory: TemporaryDirectory
    let train, held: String
    /// By file and line.
    var damage: [String: RowFindingKind] = [:]

    init(rows count: Int, seed: UInt64) throws {
      directory = try TemporaryDirectory()
      var random = SplitMix64(seed: seed)
      var rows = GoodRows(seed: seed)
      let good = (0..<count).map { _ in rows.next() }
      // Long enough that one word more or less leaves them alike.
      let learned = good.prefix(count / 4).filter {
        $0["tools"] == nil && Words.hashes(Array($0.text().utf8)).count >= 90
      }
      train = directory.path("train.jsonl")
      held = directory.path("held.jsonl")
      let planted = PlantedDamage.training(&rows, learned: Array(learned))
      var lines: [(text: String, kind: RowFindingKind?)] = good.map { ($0.text(), nil) }
      for damage in planted {
        // Behind the rows that some of them repeat.
        let place = Int.random(in: count / 4...lines.count, using: &random)
        lines.insert((damage.line, damage.kind), at: place)
      }
      var others: [(text: String, kind: RowFindingKind?)] = (0..<100).map { _ in
        (rows.next().text(), nil)
      }
      for damage in PlantedDamage.heldOut(learned: Array(learned)) {
        others.append((damage.line, damage.kind))
      }
      for (path, lines) in [(train, lines), (held, others)] {
        for (index, line) in lines.enumerated() {
          if let kind = line.kind { damage["\(path):\(index + 1)"] = kind }
        }
        let text = lines.map { $0.text + "\n" }.joined()
        _ = try directory.write(lastPathComponent(path), text.utf8)
      }
    }

    var run: RowCheckRun {
      RowCheckRun([
        .init(RowSource(path: train, format: .sharegpt), .train),
        .init(RowSource(path: held, format: .sharegpt), .heldOut),
      ])
    }

    /// Expects every planted row to be found, and nothing else, but for what `isHidden`.
    func expect(_ report: RowCheckReport, isHidden: (RowFindingKind) -> Bool = { _ in false }) {
      let found = Dictionary(grouping: report.findings) { "\($0.place.file):\($0.place.line)" }
      for (place, kind) in damage where !isHidden(kind) {
        let kinds = found[place]?.map(\.kind) ?? []
        #expect(kinds.contains(kind), "\(place): \(kind.rawValue), found \(kinds)")
      }
      for (place, findings) in found where damage[place] == nil {
        Issue.record("\(place) is a good row: \(findings.map(\.description))")
      }
    }
  }

  @Test func everyPlantedRowIsFoundAndNoOther() throws {
    let planted = try Planted(rows: 5000, seed: 1)
    #expect(Set(planted.damage.values).count >= 38)
    var run = planted.run
    run.renderer = try Self.renderer()
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
    let planted = try Planted(rows: 600, seed: 2)
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
    let planted = try Planted(rows: 600, seed: 3)
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
    let renderer = try Self.renderer("{{ messages[0].content }}: {{ messages[1].content }}.")
    let text = Self.alpaca("Where does the ferry land?", "At the old pier")
    let found = try findings([("r.jsonl", text, .train)], renderer: renderer)
    #expect(found.map(\.kind) == [.endNotTrained])
  }

  @Test func whatATemplateDoesNotShowIsNoted() throws {
    let renderer = try Self.renderer(
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
