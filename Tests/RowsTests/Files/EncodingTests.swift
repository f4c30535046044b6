import Formats
import Testing

@testable import Rows

@Suite struct EncodingTests {
  private static let line = #"{"a": "é三😀"}"#

  @Test(arguments: [true, false], [true, false])
  func utf16IsRead(bigEndian: Bool, mark: Bool) throws {
    let text = "\(Self.line)\r\n\(Self.line)"
    let read = try ReadRows(utf16(text, bigEndian: bigEndian, mark: mark), named: "r.jsonl")
    #expect(read.isClean, "\(read)")
    #expect(read.rows == [["a": "é三😀"], ["a": "é三😀"]])
    #expect(read.places.map(\.line) == [1, 2])
    let table = try ReadRows(
      utf16("q,a\r\n三,\"x\r\ny\"\r\n", bigEndian: bigEndian, mark: mark), named: "r.csv")
    #expect(table.rows == [["q": "三", "a": "x\ny"]], "\(table)")
  }

  /// A character of two units may stand across any border of what is read at once.
  @Test(arguments: [true, false]) func utf16AcrossBorders(bigEndian: Bool) throws {
    for shift in 0..<4 {
      let text = String(repeating: "x", count: shift) + String(repeating: "😀三", count: 70_000)
      let read = try ReadRows(utf16(text, bigEndian: bigEndian), named: "r.txt")
      #expect(read.rows == [["text": .string(text)]])
    }
  }

  @Test func halvesInUTF16AreFaults() throws {
    var bytes = utf16("{\"a\": \"x", bigEndian: false)
    bytes += [0x3D, 0xD8] + utf16("\"}\n{\"a\": 1}\n", bigEndian: false, mark: false)
    let read = try ReadRows(bytes, named: "r.jsonl")
    #expect(read.rows == [["a": 1]])
    #expect(
      read.faults.count == 1 && read.faults[0].contains("half of a surrogate pair"), "\(read)")
    let text = try ReadRows([0xFE, 0xFF, 0, 0x41, 0xD8, 0x3D], named: "r.txt")
    #expect(text.problem?.contains("half of a surrogate pair") == true, "\(text)")
  }

  @Test func marksAndWindowsLines() throws {
    let joined = "\u{FEFF}{\"a\": 1}\r\n\u{FEFF}{\"a\": 2}\r\n"
    let read = try ReadRows(joined, named: "r.jsonl")
    #expect(read.rows == [["a": 1], ["a": 2]] && read.isClean)
    let list = try ReadRows("\u{FEFF}[1,\r\n2]\r\n", named: "r.json")
    #expect(list.rows == [1, 2] && list.isClean && list.places.map(\.line) == [1, 2])
    let text = try ReadRows("\u{FEFF}a\r\nb\rc\r\n", named: "r.txt")
    #expect(text.rows == [["text": "a\nb\rc\n"]])
  }

  @Test func otherEncodingsNameTheByte() throws {
    let bytes = Array("{\"a\": 1}\n{\"a\": \"caf".utf8) + [0xE9] + Array("\"}\n{\"a\": 2}\n".utf8)
    let read = try ReadRows(bytes, named: "r.jsonl")
    #expect(read.rows == [["a": 1], ["a": 2]])
    try #require(read.faults.count == 1)
    #expect(
      read.faults[0].hasPrefix("2: this line is not JSON: byte 11 of the line, 0xE9, is not UTF-8"))

    let list = try ReadRows(
      Array("[\"a\",\n \"caf".utf8) + [0xE9] + Array("\"]".utf8), named: "r.json")
    #expect(
      list.problem?.hasPrefix("r.json:2: byte 6 of the line, 0xE9, is not UTF-8") == true, "\(list)"
    )
    let table = try ReadRows(Array("a,b\nx,y\nz,caf".utf8) + [0xE9, 0x0A], named: "r.csv")
    #expect(table.problem?.hasPrefix("r.csv:3: byte 6 of the line, 0xE9") == true, "\(table)")
    let text = try ReadRows(Array("one\ntwo ".utf8) + [0x93], named: "r.md")
    #expect(text.problem?.hasPrefix("r.md:2: byte 5 of the line, 0x93") == true, "\(text)")
  }

  @Test(
    arguments: [
      [0xFF, 0xFE, 0, 0, 0x7B, 0, 0, 0], [0, 0, 0xFE, 0xFF, 0, 0, 0, 0x7B],
      [0x7B, 0, 0, 0, 0x7D, 0, 0, 0], [0, 0, 0, 0x7B, 0, 0, 0, 0x7D],
    ] as [[UInt8]])
  func utf32IsRefusedByName(bytes: [UInt8]) throws {
    let problem = try #require(try ReadRows(bytes, named: "r.jsonl").problem)
    #expect(problem == "r.jsonl: this is UTF-32 text; save it as UTF-8")
  }

  @Test func cutUTF16IsNoSuccess() throws {
    let bytes = utf16(Self.line + "\n", bigEndian: false)
    let read = try ReadRows(bytes.dropLast(), named: "r.jsonl")
    #expect(read.problem?.contains("ends inside a character") == true, "\(read)")
  }
}
