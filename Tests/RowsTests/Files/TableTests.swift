import Formats
import Testing

@testable import Rows

@Suite struct TableTests {
  @Test func headerGivesTheKeys() throws {
    let read = try ReadRows(
      "instruction,output\nA,B\n\"C, c\",\"say \"\"D\"\"\"\n,x\n", named: "r.csv")
    #expect(read.problem == nil && read.faults.isEmpty)
    #expect(
      read.rows == [
        ["instruction": "A", "output": "B"],
        ["instruction": "C, c", "output": "say \"D\""],
        ["instruction": "", "output": "x"],
      ])
    #expect(read.places.map(\.line) == [2, 3, 4])
    #expect(read.places[1].description.hasSuffix("r.csv:3"))
  }

  @Test(arguments: ["\n", "\r\n"]) func linesInsideCells(end: String) throws {
    let text = ["a,b", "\"one", "two\",x", "", "y,\"\"", "z,\"last\""].joined(separator: end)
    let read = try ReadRows("\u{FEFF}" + text, named: "r.csv")
    #expect(read.isClean)
    #expect(
      read.rows == [["a": "one\ntwo", "b": "x"], ["a": "y", "b": ""], ["a": "z", "b": "last"]])
    #expect(read.places.map(\.line) == [2, 5, 6])
    #expect(read.places.map(\.index) == [0, 1, 2])
  }

  @Test func tabsSeparate() throws {
    let read = try ReadRows("a\tb\n1,5\t\"x\ty\"\n5\" pipe\tz\n", named: "r.tsv")
    #expect(read.isClean)
    #expect(read.rows == [["a": "1,5", "b": "x\ty"], ["a": "5\" pipe", "b": "z"]])
  }

  @Test func raggedRowsAreFaultsAndTheRestIsRead() throws {
    let read = try ReadRows("a,b\n1\n2,3\n4,5,6\n\"7\"x,8\n9,10", named: "r.csv")
    #expect(read.problem == nil)
    #expect(read.rows == [["a": "2", "b": "3"], ["a": "9", "b": "10"]])
    #expect(read.places.map(\.index) == [1, 4])
    try #require(read.faults.count == 3)
    #expect(
      read.faults[0].hasPrefix("2: this row cannot be read: it has 1 cell and the header has 2"))
    #expect(read.faults[1].hasPrefix("4: this row cannot be read: it has 3 cells"))
    #expect(read.faults[2].contains("5: this row cannot be read: a cell goes on behind"))
  }

  @Test(arguments: [
    ("a,b\n1,\"open\n2,3\n", "r.csv:2: ", "does not end before the file does"),
    ("a,b\n1,2\n3,\"open", "r.csv:3: ", "does not end before the file does"),
    ("a,b,a\n1,2,3\n", "r.csv:1: ", "two columns are named \"a\""),
    (",a\n0,x\n", "r.csv:1: ", "column 1 of the header has no name"),
    ("\n\na;b\n1;2\n", "r.csv:3: ", "the header has one column, \"a;b\""),
    ("a,b\r1,2\r", "r.csv:1: ", "lone carriage return"),
    ("\u{1F}", "r.csv:1: ", "holds control characters"),
  ])
  func brokenFilesAreRefused(text: String, place: String, sentence: String) throws {
    let read = try ReadRows(text, named: "r.csv")
    let problem = try #require(read.problem)
    #expect(problem.hasPrefix(place) && problem.contains(sentence), "\(problem)")
  }

  @Test func emptyTablesHaveNoRows() throws {
    for text in ["", "a,b", "a,b\n", "\n\n"] {
      let read = try ReadRows(text, named: "r.csv")
      #expect(read.isClean && read.rows.isEmpty, "\(text)")
    }
  }

  @Test func oneColumnIsATable() throws {
    let read = try ReadRows("text\n\"a, b\"\nc\n", named: "r.csv")
    #expect(read.rows == [["text": "a, b"], ["text": "c"]] && read.isClean)
  }

  @Test func rowsLargerThanTheWindow() throws {
    let long = String(repeating: "0123456789 \"\"abc\"\"\n", count: 60_000)
    let read = try ReadRows("a,b\n1,\"\(long)\"\n2,\"x\"\n", named: "r.csv")
    try #require(read.isClean && read.rows.count == 2)
    #expect(read.rows[0]["b"] == .string(long.replacing("\"\"", with: "\"")))
    #expect(read.places.map(\.line) == [2, 60_003])
  }
}
