import Formats
import Foundation
import TestSupport
import Testing

@testable import Rows

@Suite struct RowFilesTests {
  /// A folder with these files in it.
  private func folder(_ names: [String]) throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    for name in names {
      try createDirectory(parentDirectory(of: directory.path(name)))
      _ = try directory.write(name, "{}\n".utf8)
    }
    return directory
  }

  private func names(_ path: String, in directory: TemporaryDirectory) throws -> [String] {
    try RowFiles.expand(path).map { $0.replacing("\(directory.path)/", with: "") }
  }

  private static let tree = [
    "b.jsonl", "a.json", "in/d.csv.gz", "in/deep/c.ndjson", ".hidden.jsonl", ".git/x.jsonl",
    "LICENSE",
    "in/notes.bin",
  ]

  @Test func aFolderIsWalked() throws {
    let directory = try folder(Self.tree)
    let expected = ["a.json", "b.jsonl", "in/d.csv.gz", "in/deep/c.ndjson"]
    #expect(try names(directory.path, in: directory) == expected)
    #expect(try names(directory.path + "/", in: directory) == expected)
    let skipped = try RowFiles(directory.path).skipped
    #expect(skipped.map(lastPathComponent) == ["LICENSE", "notes.bin"])
  }

  @Test(arguments: [
    ("*.jsonl", ["b.jsonl"]), ("**/*.ndjson", ["in/deep/c.ndjson"]),
    ("**/*.json*", ["a.json", "b.jsonl"]), ("[ab].*", ["a.json", "b.jsonl"]),
    ("in/**", ["in/d.csv.gz", "in/deep/c.ndjson"]), ("?.jsonl", ["b.jsonl"]),
    ("*/*/c.*", ["in/deep/c.ndjson"]), ("**/**/**/c.ndjson", ["in/deep/c.ndjson"]),
    ("**/deep/*", ["in/deep/c.ndjson"]), ("i*/d.csv.gz", ["in/d.csv.gz"]),
  ])
  func patternsNameFiles(pattern: String, expected: [String]) throws {
    let directory = try folder(Self.tree)
    #expect(try names(directory.path(pattern), in: directory) == expected)
  }

  @Test func eachFileIsThereOnce() throws {
    let directory = try folder(["a.jsonl", "in/b.jsonl"])
    let manager = FileManager.default
    try manager.createSymbolicLink(
      atPath: directory.path("z.jsonl"), withDestinationPath: directory.path("a.jsonl"))
    try manager.createSymbolicLink(
      atPath: directory.path("in/loop"), withDestinationPath: directory.path)
    #expect(try names(directory.path, in: directory) == ["a.jsonl", "in/b.jsonl"])
    #expect(try names(directory.path("**/*.jsonl"), in: directory) == ["a.jsonl", "in/b.jsonl"])
    #expect(try names(directory.path("z.jsonl"), in: directory) == ["z.jsonl"])
  }

  @Test func aFileIsItselfEvenWithAStarInItsName() throws {
    let directory = try folder(["a*.jsonl", "ab.jsonl"])
    #expect(try names(directory.path("a*.jsonl"), in: directory) == ["a*.jsonl"])
  }

  @Test(arguments: [
    ("nowhere.jsonl", "there is no such file"), ("*.tsv", "no file has such a name"),
    ("nowhere/**/*.jsonl", "no file has such a name"), ("empty", "there are no files in it"),
    ("code", "only"), ("parquet", "duckdb"), ("mixed", "documents"), ("parquet/*", "duckdb"),
  ])
  func nothingIsAnError(path: String, sentence: String) throws {
    let directory = try folder([
      "code/main.py", "code/a.h", "parquet/a.jsonl", "parquet/b.parquet", "mixed/README.md",
      "mixed/a.jsonl",
      "empty/.keep",
    ])
    let error = try #require(throws: Problem.self) { try RowFiles.expand(directory.path(path)) }
    #expect(error.description.contains(sentence), "\(error)")
  }

  @Test func rowsOfAFolderNameTheirFile() throws {
    let directory = try folder(["in/a.jsonl", "in/b.jsonl"])
    var places: [String] = []
    let source = RowSource(path: directory.path("in"), format: .alpaca)
    try RowSet.forEach([source], renderer: nil) { places.append($0.place.description) }
    #expect(places == [directory.path("in/a.jsonl:1"), directory.path("in/b.jsonl:1")])
  }
}
