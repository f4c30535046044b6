import Formats
import Foundation
import TestSupport
import Testing
import Text

@testable import Rows

/// Damaged files of every kind and format, from bytes to tokens: nothing may crash or hang, and a file that was
/// cut must never pass for a shorter one. FINETUNE_FUZZ sets how many files are tried.
@Suite struct RowFuzzTests {
  private struct Seed {
    let name: String
    let bytes: [UInt8]
    let rows: Int
    /// Whether cuts of it can be told.
    let tellsCuts: Bool
    /// Lengths to which a file of lines is cut between two rows, which nothing can tell.
    var borders: Set<Int> = []
  }

  private static let lines: [(RowFormat, String)] = [
    (
      .alpaca,
      #"{"instruction": "Wo?", "input": "Brück \u00e9", "output": "An der Mühle.", "history": [["a", "b"]]}"#
    ),
    (
      .sharegpt,
      #"{"conversations": [{"from": "human", "value": "q\n\"q\""}, {"from": "gpt", "value": "a 😀"}], "system": "s"}"#
    ),
    (
      .messages,
      #"{"messages": [{"role": "user", "content": [{"type": "text", "text": "q"}]}, {"role": "assistant", "content": null, "#
        + #""tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"x\": 1}"}}]}, "#
        + #"{"role": "tool", "content": "1", "tool_call_id": "c"}, {"role": "assistant", "content": "a", "weight": 0.5}], "#
        + #""tools": [{"name": "f", "parameters": {"x": null}}]}"#
    ),
    (.completion, #"{"prompt": "Water", "completion": " turns the wheel"}"#),
    (.text, #"{"text": "The stone grinds the corn. 小溪流过桥下。", "weight": 2}"#),
    (.tokens, #"{"input_ids": [5, 6, 7], "labels": [-100, 6, 7], "attention_mask": [1, 1, 1]}"#),
    (
      .preference,
      #"{"prompt": "q", "chosen": [{"role": "assistant", "content": "a"}], "rejected": "b"}"#
    ),
    (.kto, #"{"prompt": "q", "completion": "a", "label": true}"#),
  ]

  /// Lengths at which a text of lines holds nothing but whole rows.
  private static func borders<Unit: BinaryInteger>(
    _ text: [Unit], _ line: some Sequence<Unit>
  ) -> [Int] {
    let line = Array(line)
    return (0...text.count).filter { count in
      text.prefix(count).split(separator: 0x0A).allSatisfy { $0.elementsEqual(line) }
    }
  }

  private static func seeds() throws -> [Seed] {
    var seeds: [Seed] = []
    for (format, line) in lines {
      let text = "\(line)\n\(line)\n\n\(line)\n"
      let bytes = Array(text.utf8)
      let name = format.rawValue
      seeds += [
        Seed(
          name: "\(name).jsonl", bytes: bytes, rows: 3, tellsCuts: true,
          borders: Set(borders(Array(text.utf8), line.utf8))),
        Seed(
          name: "\(name).json", bytes: Array("[\(line),\n \(line)]".utf8), rows: 2, tellsCuts: true),
        Seed(name: "\(name).jsonl.gz", bytes: try Packing.gzip(bytes), rows: 3, tellsCuts: true),
        Seed(name: "\(name).jsonl.zst", bytes: try Packing.zstd(bytes), rows: 3, tellsCuts: true),
      ]
      let wide: [UInt8] = [0xFF, 0xFE] + text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
      seeds.append(
        Seed(
          name: "\(name)-16.jsonl", bytes: wide, rows: 3, tellsCuts: true,
          borders: Set([0, 1] + borders(Array(text.utf16), line.utf16).map { 2 + 2 * $0 })))
    }
    let table = "instruction,output\r\n\"Wo, \"\"hier\"\"?\",\"An der\nMühle\"\r\nq,a\r\n"
    let tabs = table.replacing(",", with: "\t")
    seeds += [
      Seed(name: "t.csv", bytes: Array(table.utf8), rows: 2, tellsCuts: false),
      Seed(name: "t.tsv", bytes: Array(tabs.utf8), rows: 2, tellsCuts: false),
      Seed(name: "t.csv.gz", bytes: try Packing.gzip(Array(table.utf8)), rows: 2, tellsCuts: true),
      Seed(name: "t.txt", bytes: Array("Ein Text.\n\nMit Absatz.".utf8), rows: 1, tellsCuts: false),
      Seed(
        name: "t.md.zst", bytes: try Packing.zstd(Array("# Text".utf8)), rows: 1, tellsCuts: true),
    ]
    return seeds
  }

  @Test func nothingCrashesHangsOrPassesForLess() throws {
    let count = ProcessInfo.processInfo.environment["FINETUNE_FUZZ"].flatMap(Int.init) ?? 4000
    let seeds = try Self.seeds()
    let folder = try TemporaryDirectory()
    let golden = goldenPath("template-rendering")
    var renderer = Renderer(
      tokenizer: try Tokenizer.load(golden),
      template: try ChatTemplate.choose("chatml", modelPath: golden))
    renderer.longestPart = 8
    for seed in seeds {
      let path = try folder.write(seed.name, seed.bytes)
      #expect(Self.rows(of: path, renderer) == seed.rows, "\(seed.name) as it is")
    }
    var numbers = SplitMix64(seed: 7)
    for number in 0..<count {
      let seed = seeds[number % seeds.count]
      let (bytes, isCut) = Self.damaged(seed, seeds, &numbers)
      let path = try folder.write(seed.name, bytes)
      let start = ContinuousClock.now
      let rows = Self.rows(of: path, renderer)
      let seconds = start.duration(to: .now)
      #expect(seconds < .seconds(5), "\(seed.name), file \(number) took \(seconds)")
      if isCut, seed.tellsCuts, let rows, rows != seed.rows, !seed.borders.contains(bytes.count) {
        Issue.record(
          "\(seed.name) cut to \(bytes.count) of \(seed.bytes.count) bytes gives \(rows) rows")
      }
    }
  }

  /// How many rows a file has, or nil where something in it was said to be wrong.
  private static func rows(of path: String, _ renderer: Renderer) -> Int? {
    var rows = 0
    var isFaulty = false
    do throws(Problem) {
      let source = try RowSource(path: path, format: .auto).recognized()
      try RowSet.forEach([source], renderer: renderer) {
        outcome throws(Problem) in
        if outcome.isMalformed { isFaulty = true } else { rows += 1 }
      }
    } catch {
      return nil
    }
    return isFaulty ? nil : rows
  }

  private static func damaged(
    _ seed: Seed, _ seeds: [Seed], _ numbers: inout SplitMix64
  ) -> (bytes: [UInt8], isCut: Bool) {
    var bytes = seed.bytes
    func place(_ bytes: [UInt8]) -> Int {
      bytes.isEmpty ? 0 : Int(numbers.next() % UInt64(bytes.count))
    }
    if numbers.next() % 3 == 0 { return (Array(bytes.prefix(place(bytes))), true) }
    for _ in 0..<1 + numbers.next() % 4 {
      switch numbers.next() % 5 {
      case 0 where !bytes.isEmpty: bytes[place(bytes)] = UInt8(truncatingIfNeeded: numbers.next())
      case 1: bytes.insert(UInt8(truncatingIfNeeded: numbers.next()), at: place(bytes))
      case 2:
        let (start, other) = (place(bytes), place(bytes))
        bytes.removeSubrange(min(start, other)..<min(max(start, other), min(start, other) + 20))
      case 3:
        let (start, other) = (place(bytes), place(bytes))
        bytes.insert(contentsOf: bytes[min(start, other)..<max(start, other)], at: start)
      default:
        let other = seeds[Int(numbers.next() % UInt64(seeds.count))].bytes
        bytes = Array(bytes.prefix(place(bytes))) + other.suffix(place(other))
      }
    }
    return (bytes, false)
  }
}
