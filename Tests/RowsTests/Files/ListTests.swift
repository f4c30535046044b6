import Formats
import Testing

@testable import Rows

@Suite struct ListTests {
  @Test(arguments: [
    #"{"data": [{"a": 1}, {"a": 2}]}"#,
    #"{"version": "1", "rows": [{"a": 1}, {"a": 2}], "n": {"m": [1]}}"#,
    "{\"train\" : [\n {\"a\": 1}\n,\n {\"a\": 2}]\n}\n", "[{\"a\": 1}, {\"a\": 2}]",
  ])
  func listsAlsoInsideAnObject(text: String) throws {
    let read = try ReadRows(text, named: "r.json")
    #expect(read.isClean && read.rows == [["a": 1], ["a": 2]], "\(read)")
  }

  @Test(arguments: [
    (#"{"train": [{"a": 1}], "test": [{"a": 2}]}"#, "several lists, \"train\" and \"test\""),
    (#"{"columns": ["a"], "data": [["x"]]}"#, "several lists, \"columns\" and \"data\""),
    (#"{"examples": [{"a": 1}]}"#, "expected a list of rows"), ("{}", "found an object"),
    (#"{"data": {"a": 1}}"#, "expected a list of rows"), ("7", "expected a list of rows"),
    (#"{"data": [1], "x": 1"#, "the end of the file"), (#"{"data": [1]} {}"#, "after the end"),
    (#"{"data": [1], }"#, "expected a key"), (#"{"data" [1]}"#, "expected \":\""),
    (" ", "an empty file"),
  ])
  func whatIsAmbiguousOrNoListIsRefused(text: String, sentence: String) throws {
    let problem = try #require(try ReadRows(text, named: "r.json").problem)
    #expect(problem.hasPrefix("r.json") && problem.contains(sentence), "\(problem)")
  }

  @Test func everyCutOfAListIsSeen() throws {
    let text = Array(#"{"data": [{"a": "é\n\ud83d\ude00"}, 12.5e1, true, null, []], "b": 1}"#.utf8)
    let whole = try ReadRows(text, named: "r.json")
    #expect(whole.isClean && whole.rows.count == 5)
    for count in text.indices {
      let read = try ReadRows(text[..<count], named: "r.json")
      #expect(read.problem != nil, "cut at \(count)")
    }
  }

  /// Rows that cross the borders of what is read at once, and one that is larger.
  @Test func listsLargerThanTheWindow() throws {
    let rows = (0..<2000).map { index -> JSON in
      let size = index == 700 ? 3_000_000 : index * 7 % 1500
      return ["n": .integer(index), "text": .string(String(repeating: "é\"", count: size / 3))]
    }
    let text = JSON.array(rows).text(.indented)
    let read = try ReadRows(text, named: "r.json")
    #expect(read.isClean && read.rows == rows)
    #expect(read.places.map(\.line) == (0..<2000).map { 2 + 4 * $0 })
    let lines = rows.map { $0.text() + "\n" }.joined()
    let again = try ReadRows(lines, named: "r.jsonl")
    #expect(again.isClean && again.rows == rows)
    #expect(again.places.map(\.line) == Array(1...2000))
  }

  /// Numbers end where something else begins, which may not be read yet.
  @Test func numbersAcrossBorders() throws {
    let text = "[" + (0..<200_000).map(String.init).joined(separator: ",") + "]"
    let read = try ReadRows(text, named: "r.json")
    #expect(read.isClean && read.rows == (0..<200_000).map { .integer($0) })
  }
}
