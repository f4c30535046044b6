import Formats
import Foundation
import Testing

@testable import Rows

/// Writes `text` to a temporary file with this name for the time of `body`.
func withRows(_ text: String, named name: String, _ body: (String) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("rows-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  let file = folder.appendingPathComponent(name)
  try Data(text.utf8).write(to: file)
  try body(file.path)
}

@Suite struct RowFileTests {
  private func rows(_ path: String) throws -> [(RowPlace, JSON)] {
    var rows: [(RowPlace, JSON)] = []
    try RowFile(path).forEach { place, row throws(Problem) in rows.append((place, row)) }
    return rows
  }

  @Test func placesOfAList() throws {
    try withRows("\u{FEFF}\n[\n  {\"a\":\n 1}, 2,\n\n \"x\"\n]\n", named: "r.json") { path in
      let rows = try rows(path)
      #expect(rows.map { $0.0.line } == [3, 4, 6])
      #expect(rows.map { $0.0.index } == [0, 1, 2])
      #expect(rows.map { $0.1 } == [["a": 1], 2, "x"])
      #expect(rows[2].0.description == "\(path): row 3 (line 6)")
    }
  }

  @Test(arguments: ["\n", "\r\n"]) func placesOfLines(end: String) throws {
    let text = "{\"a\": 1}" + end + "  " + end + end + "[2]" + end + "\"x\""
    try withRows(text, named: "r.jsonl") { path in
      let rows = try rows(path)
      #expect(rows.map { $0.0.line } == [1, 4, 5])
      #expect(rows.map { $0.0.index } == [0, 1, 2])
      #expect(rows.map { $0.1 } == [["a": 1], [2], "x"])
      #expect(rows[2].0.description == "\(path):5")
    }
  }

  @Test(arguments: [
    ("r.json", "[1,\n2,\n\n}]", ":4", "this is not JSON (column 1)"),
    ("r.json", "[1 2]", ":1", "expected \",\" or \"]\""),
    ("r.json", "[1]\n]", ":2", "after the end"),
    ("r.json", "[1", ":1", "the end of the file"), ("r.json", "[1,\n]", ":2", "expected a value"),
    ("r.json", "{\"a\": 1}", "", "expected a list of rows"),
    ("r.json", "", "", "found an empty file"),
    ("r.json", "{\"a\": 1}\n{\"a\": 2}", "", "a .jsonl file"),
    ("r.jsonl", "{}\n{\n}\n", ":2", "this line is not JSON"),
    ("r.jsonl", "[\n1]", ":1", "is a .json file"), ("r.jsonl", "{} {}", ":1", "not JSON"),
    ("r.rows", "a,b", "", "does not say how rows stand in it"),
  ])
  func saysWhyAFileIsNoRows(name: String, text: String, place: String, sentence: String) throws {
    try withRows(text, named: name) { path in
      let error = try #require(throws: Problem.self) { try rows(path) }
      #expect(error.description.hasPrefix(path + place + ": "), "\(error)")
      #expect(error.description.contains(sentence), "\(error)")
    }
  }

  @Test func saysWhyAFileCannotBeRead() throws {
    for path in ["/nowhere/rows.json", "/nowhere/rows.jsonl", NSTemporaryDirectory()] {
      let error = try #require(throws: Problem.self) { try rows(path) }
      #expect(error.description.hasPrefix(path), "\(error)")
    }
  }
}
