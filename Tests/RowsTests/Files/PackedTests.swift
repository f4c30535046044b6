import Formats
import Foundation
import TestSupport
import Testing

@testable import Rows

@Suite struct PackedTests {
  private static let text = (0..<400).map {
    "{\"n\": \($0), \"text\": \"row \($0 * 7919 % 1009)\"}\n"
  }
  .joined()

  private static func packed(_ name: String, _ text: String = text) throws -> [UInt8] {
    name == "gz" ? try Packing.gzip(Array(text.utf8)) : try Packing.zstd(Array(text.utf8))
  }

  @Test(arguments: ["gz", "zst"], ["r.jsonl", "r.jsonl.gz", "r.jsonl.zst", "R.JSONL.GZ"])
  func contentDecides(packing: String, name: String) throws {
    let read = try ReadRows(try Self.packed(packing), named: name)
    #expect(read.isClean && read.rows.count == 400, "\(read.problem ?? "")")
    #expect(read.places.map(\.line) == Array(1...400))
  }

  @Test(arguments: ["gz", "zst"]) func everyKindIsUnpacked(packing: String) throws {
    for (name, text, rows) in [
      ("r.json", "[{\"a\": 1}]", [["a": 1]]), ("r.csv", "a\nx\n", [["a": "x"]]),
      ("r.tsv", "a\tb\nx\ty", [["a": "x", "b": "y"]]), ("r.md", "# A", [["text": "# A"]]),
    ] as [(String, String, [JSON])] {
      let read = try ReadRows(try Self.packed(packing, text), named: "\(name).\(packing)")
      #expect(read.isClean && read.rows == rows, "\(name): \(read)")
    }
    let wide = utf16("{\"a\": \"三\"}\n", bigEndian: true)
    let bytes = packing == "gz" ? try Packing.gzip(wide) : try Packing.zstd(wide)
    #expect(try ReadRows(bytes, named: "r.jsonl.\(packing)").rows == [["a": "三"]])
  }

  @Test(arguments: ["gz", "zst"]) func severalMembersAreOneFile(packing: String) throws {
    let half = Self.text.utf8.count / 2
    let bytes = Array(Self.text.utf8)
    let parts = [Array(bytes[..<half]), [], Array(bytes[half...])]
    var packed = try parts.flatMap { packing == "gz" ? try Packing.gzip($0) : try Packing.zstd($0) }
    #expect(try ReadRows(packed, named: "r.jsonl").rows.count == 400)
    if packing == "gz" {
      #expect(try ReadRows(packed + [0, 0, 0], named: "r.jsonl").isClean)
    } else {
      packed = [0x50, 0x2A, 0x4D, 0x18, 2, 0, 0, 0, 9, 9] + packed
      #expect(try ReadRows(packed, named: "r.jsonl").isClean)
    }
    let read = try ReadRows(packed + Array("rubbish".utf8), named: "r.jsonl")
    #expect(read.problem?.contains("is damaged") == true, "\(read.problem ?? "")")
  }

  @Test(arguments: ["gz", "zst"]) func everyCutIsSeen(packing: String) throws {
    let bytes = try Self.packed(packing)
    for count in stride(from: 0, to: bytes.count, by: 7) {
      let read = try ReadRows(bytes[..<count], named: "r.jsonl.\(packing)")
      #expect(read.problem != nil, "cut at \(count) of \(bytes.count)")
    }
    let read = try ReadRows(bytes.dropLast(), named: "r.jsonl.\(packing)")
    let name = packing == "gz" ? "gzip" : "zstd"
    #expect(read.problem?.contains("the \(name) file ends too early: it was cut") == true)
    #expect(read.problem?.hasPrefix("r.jsonl.\(packing):") == true)
  }

  @Test(arguments: ["gz", "zst"]) func aWrongChecksumIsSeen(packing: String) throws {
    var bytes = try Self.packed(packing)
    // gzip ends with the checksum and the size, zstd with the checksum.
    bytes[bytes.count - (packing == "gz" ? 6 : 2)] ^= 1
    let read = try ReadRows(bytes, named: "r.jsonl.\(packing)")
    #expect(read.problem?.contains("is damaged") == true, "\(read.problem ?? "")")
  }

  @Test func namesThatPromiseTooMuch() throws {
    for name in ["r.jsonl.gz", "r.jsonl.zst"] {
      let read = try ReadRows("{\"a\": 1}\n", named: name)
      #expect(read.problem?.contains("neither gzip nor zstd") == true)
      #expect(try ReadRows("", named: name).problem?.contains("is empty") == true)
    }
    let twice = try Packing.zstd(try Self.packed("gz"))
    #expect(try ReadRows(twice, named: "r.jsonl.gz.zst").problem != nil)
    #expect(try ReadRows(twice, named: "r.jsonl.zst").problem?.contains("compressed twice") == true)
  }

  @Test func windowsAreBounded() throws {
    let bytes = Array(Self.text.utf8)
    let small = try ReadRows(try Packing.zstd(bytes, windowLog: 27), named: "r.jsonl")
    #expect(small.isClean && small.rows.count == 400, "\(small.problem ?? "")")
    let large = try ReadRows(try Packing.zstd(bytes, windowLog: 30), named: "r.jsonl")
    #expect(large.problem?.contains("compress it again without --long") == true, "\(large)")
  }

  /// A few kilobytes that would be gigabytes.
  @Test(arguments: [UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "[")])
  func bombsAreStopped(filling: UInt8) throws {
    let block = try Packing.zstd([UInt8](repeating: filling, count: 64 << 20))
    let bomb = (0..<40).flatMap { _ in block }
    #expect(bomb.count < 1 << 20)
    let before = Self.peak()
    let read = try ReadRows(bomb, named: "r.jsonl.zst")
    let problem = try #require(read.problem)
    #expect(
      problem.contains("times its size") || problem.contains("is longer than 256 MB"), "\(problem)")
    #expect(Self.peak() - before < 1 << 30)
  }

  /// The most memory that this process had, in bytes.
  private static func peak() -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") } ?? ""
    return (Int(line.filter(\.isNumber)) ?? 0) << 10
  }
}
