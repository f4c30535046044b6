import Formats
import TestSupport
import Testing

@testable import Rows

@Suite struct LineTests {
  @Test func aLastLineWithoutEndIsARow() throws {
    let read = try ReadRows("{\"a\": 1}\n{\"a\": 2}", named: "r.ndjson")
    #expect(read.isClean && read.rows.count == 2)
  }

  @Test func everyCutOfALineIsSeen() throws {
    let line = Array(#"{"a": "é\n\ud83d\ude00", "b": [12.5e1, true, null, {}]}"#.utf8)
    let text = line + [0x0A] + line
    for count in line.count + 2..<text.count {
      let read = try ReadRows(text[..<count], named: "r.jsonl")
      #expect(
        read.problem
          == "r.jsonl:2: the file ends inside this row: it was cut; make or copy it again,"
          + " or remove the line", "cut at \(count): \(read)")
      #expect(read.rows.count == 1)
    }
  }

  @Test func whatIsWrongButNotCutIsAFaultOfItsLine() throws {
    let read = try ReadRows("{\n[1}\n{} {}\n\u{1}\n{\"a\": 1}\n]", named: "r.jsonl")
    #expect(read.problem == nil && read.rows == [["a": 1]])
    #expect(read.faults.map { $0.prefix(1) } == ["1", "2", "3", "4", "6"])
    #expect(read.faults.allSatisfy { $0.dropFirst(3).hasPrefix(RowFile.malformedLine) })
    #expect(
      read.faults[0].contains("is a .json file") && !read.faults[1].contains("is a .json file"))
  }

  @Test func documentsAreRows() throws {
    for name in ["r.txt", "R.MD", "r.txt.gz"] {
      let text = "# Title\n\n{\"a\": 1}\n"
      let bytes = name.hasSuffix("gz") ? try Packing.gzip(Array(text.utf8)) : Array(text.utf8)
      let read = try ReadRows(bytes, named: name)
      #expect(read.isClean && read.rows == [["text": .string(text)]], "\(name)")
      #expect(read.places.first?.description.hasSuffix("\(name):1") == true)
    }
    #expect(try ReadRows("", named: "r.txt").rows == [["text": ""]])
  }

  @Test func firstRowsAreReadWithoutTheRest() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write(
      "r.jsonl", "{\"a\": 1}\nbroken\n{\"a\": 2}\n{\"a\": 3}\n{\"a\": ".utf8)
    #expect(try RowFile.first(2, of: path) == [["a": 1], ["a": 2]])
    #expect(try RowFile.first(0, of: path).isEmpty)
    #expect(throws: Problem.self) { try RowFile.first(4, of: path) }
    let damaged = try Packing.gzip(Array(String(repeating: "{\"a\": 1}\n", count: 100_000).utf8))
    let cut = try directory.write("r.jsonl.gz", damaged.dropLast(9))
    #expect(try RowFile.first(3, of: cut).count == 3)
    #expect(ReadRows(cut).problem != nil)
  }

  @Test(arguments: [
    ("r.parquet", "duckdb"), ("r.PARQUET", "to_json"), ("r.xlsx", "save the sheet as CSV"),
    ("r.zip", "unpack it"), ("r.jsonl.bz2", "unpack it"), ("r.arrow", "datasets"),
    ("r", "expected .jsonl"),
    ("r.gz", "expected .jsonl"), ("r.bin", "expected .jsonl"), (".jsonl", "expected .jsonl"),
  ])
  func otherKindsAreRefusedByName(name: String, sentence: String) throws {
    let problem = try #require(try ReadRows("PAR1", named: name).problem)
    #expect(problem.hasPrefix("\(name): ") && problem.contains(sentence), "\(problem)")
  }

  @Test(
    arguments: [
      ([0x50, 0x41, 0x52, 0x31, 0x15, 0x04], "Parquet"), ([0x50, 0x4B, 3, 4, 0], "ZIP"),
      ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "xz"), ([0x04, 0x22, 0x4D, 0x18], "lz4"),
      ([0x42, 0x5A, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59], "bzip2"),
    ] as [([UInt8], String)])
  func otherContentIsRefusedByName(bytes: [UInt8], name: String) throws {
    let problem = try #require(try ReadRows(bytes, named: "r.jsonl").problem)
    #expect(problem.contains(name), "\(problem)")
    let packed = try #require(try ReadRows(try Packing.gzip(bytes), named: "r.jsonl").problem)
    #expect(packed.contains(name), "\(packed)")
  }
}
