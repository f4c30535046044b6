import Formats
import Foundation
import TestSupport
import Testing
import Text

@testable import Rows

/// Files of rows in a directory of their own, and what a preparation makes of them.
struct PreparedFiles {
  let directory: TemporaryDirectory
  private var sources: [RowCheckRun.Source] = []

  init() throws { directory = try TemporaryDirectory() }

  /// - Parameter lines: Each a row.
  init(_ lines: [String], format: RowFormat = .alpaca) throws {
    try self.init()
    try add("rows.jsonl", lines, format: format)
  }

  mutating func add(
    _ name: String, _ lines: [String], format: RowFormat = .alpaca, part: RowPart = .train
  ) throws {
    let path = try directory.write(name, lines.map { $0 + "\n" }.joined().utf8)
    sources.append(.init(RowSource(path: path, format: format), part))
  }

  var run: PreparationRun { PreparationRun(RowCheckRun(sources)) }

  var output: String { directory.path("out") }

  @discardableResult
  func prepare(_ change: (inout PreparationRun) throws -> Void = { _ in }) throws
    -> PreparationReport
  {
    var run = self.run
    try change(&run)
    return try run.run(to: output)
  }

  func lines(_ name: String = "rows.jsonl") throws -> [String] {
    let text = String(decoding: try readFile("\(output)/\(name)"), as: UTF8.self)
    #expect(text.isEmpty || text.hasSuffix("\n"))
    return text.split(separator: "\n").map(String.init)
  }

  func changes() throws -> [JSON] { try lines("changes.jsonl").map { try JSONParser.parse($0) } }

  /// A renderer with a small tokenizer and ChatML.
  static func renderer() throws -> Renderer {
    Renderer(
      tokenizer: try Tokenizer.load(goldenPath("template-rendering")),
      template: try ChatTemplate.choose(
        "chatml", modelPath: goldenPath("template-rendering")),
      trainOn: .assistant)
  }

  /// What the rows of a text are as conversations; nil for one that is refused.
  static func outcomes(_ lines: [String], _ format: RowFormat) throws -> [RowOutcome] {
    let directory = try TemporaryDirectory()
    let path = try directory.write("r.jsonl", lines.map { $0 + "\n" }.joined().utf8)
    var outcomes: [RowOutcome] = []
    let renderer = try renderer()
    try RowSet.forEach([RowSource(path: path, format: format)], renderer: renderer) {
      outcomes.append($0)
    }
    return outcomes
  }

  /// An Alpaca row.
  static func row(_ question: String, _ answer: String) -> String {
    let row: JSON = ["instruction": .string(question), "output": .string(answer)]
    return row.text()
  }
}
