import Formats
import TestSupport
import Testing

@testable import Rows

@Suite struct RowSplitTests {
  private static func rows(_ count: Int, seed: UInt64) -> [String] {
    var rows = GoodRows(seed: seed)
    return (0..<count).map { _ in rows.next().text() }
  }

  private func split(
    _ lines: [String], _ text: String = "train=0.8,validation=0.2", seed: UInt64 = 42
  ) throws -> [Set<String>] {
    let files = try PreparedFiles(lines, format: .sharegpt)
    let split = try RowSplit(text)
    try files.prepare {
      $0.split = split
      $0.seed = seed
    }
    return try split.parts.map { Set(try files.lines("\($0.name).jsonl")) }
  }

  @Test func sharesAreMet() throws {
    let parts = try split(Self.rows(2000, seed: 1), "train=0.8,validation=0.15,test=0.05")
    #expect(parts.map(\.count).reduce(0, +) == 2000)
    // Four standard deviations.
    for (part, expected) in zip(parts, [1600.0, 300, 100]) {
      #expect(
        abs(Double(part.count) - expected) < 4 * (expected * (1 - expected / 2000)).squareRoot())
    }
  }

  /// Neither other rows nor their order decide.
  @Test func rowsStayOnTheirSideWhenOthersAreAdded() throws {
    let rows = Self.rows(300, seed: 2)
    let alone = try split(rows)
    let more = try split((Self.rows(200, seed: 3) + rows + Self.rows(100, seed: 4)).reversed())
    #expect(alone[0].isSubset(of: more[0]) && alone[1].isSubset(of: more[1]))
    #expect(try split(rows) == alone)
    #expect(try split(rows, seed: 43) != alone)
  }

  /// Rows that differ only in case, white space, punctuation or the system prompt are one row here.
  @Test func nearlyIdenticalRowsStayTogether() throws {
    for number in 0..<40 {
      let variants = [
        PreparedFiles.row("Where is the Élan no. \(number)?", "At the pier, they say."),
        PreparedFiles.row("where is the élan  no \(number)", "At the pier — they say!"),
        #"{"instruction":"WHERE IS THE ÉLAN NO \#(number)","output":"at the pier they say","system":"Be brief."}"#,
      ]
      let files = try PreparedFiles(variants)
      try files.prepare { $0.split = try RowSplit("a=0.5,b=0.5") }
      let counts = [try files.lines("a.jsonl").count, try files.lines("b.jsonl").count]
      #expect(counts.sorted() == [0, 3])
    }
  }

  @Test func partsOfTwoFormatsAreFilesOfTheirOwn() throws {
    var files = try PreparedFiles([PreparedFiles.row("a", "b")])
    try files.add("s.jsonl", Self.rows(3, seed: 5), format: .sharegpt)
    let report = try files.prepare { $0.split = try RowSplit("all=1") }
    #expect(report.outputs.map(\.name) == ["all-alpaca.jsonl", "all-sharegpt.jsonl"])
    #expect(report.outputs.map(\.rows) == [1, 3])
  }

  @Test(arguments: [
    ("train", "expected NAME=SHARE"), ("train=0.5", "add up to 0.5"), ("a=1,b=0", "above 0"),
    ("a=nan", "above 0"), ("a=0.5,A=0.5", "named twice"), ("../x=1", "cannot name a file"),
    ("report=1", "cannot name a file"), ("=1", "cannot name a file"),
    ("a=0.6,b=0.6", "add up to 1.2"),
  ])
  func wrongSplitsAreSentences(text: String, sentence: String) {
    #expect {
      try RowSplit(text)
    } throws: {
      ($0 as? Problem)?.description.contains(sentence) == true
    }
  }
}
