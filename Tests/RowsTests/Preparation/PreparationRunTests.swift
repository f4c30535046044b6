import Formats
import Foundation
import TestSupport
import Testing
import Text

@testable import Rows

@Suite struct PreparationRunTests {
  private static let good = [
    PreparedFiles.row("Where does the old ferry land?", "At the pier below the mill."),
    PreparedFiles.row("Who keeps the lantern?", "The baker's daughter does."),
  ]

  // MARK: Rows stay as they are

  @Test func goodRowsAreWrittenAsTheyAre() throws {
    let lines = [
      #"{"z":1,"output":"é \"x\"\n","instruction":"a/b","n":[1,2.5,null,true],"input":""}"#,
      #"{"instruction":"渡口","output":"👩‍🚀 ok","system":"s"}"#,
    ]
    let files = try PreparedFiles(lines)
    let report = try files.prepare()
    #expect(try files.lines() == lines)
    #expect(try files.changes().isEmpty)
    #expect(report.rowsRead == 2 && report.rowsWritten == 2 && report.rowsDropped == 0)
    #expect(try directoryEntries(files.output) == ["changes.jsonl", "report.json", "rows.jsonl"])
  }

  @Test func badRowsAreDroppedAndListed() throws {
    let lines = [Self.good[0], #"{"instruction":"q","output":""}"#, "{", Self.good[1], "7"]
    let files = try PreparedFiles(lines)
    let report = try files.prepare()
    #expect(try files.lines() == Self.good)
    let changes = try files.changes()
    #expect(changes.map { $0["kind"] } == ["empty-answer", "malformed-row", "wrong-type"])
    #expect(changes.map { $0["line"] } == [2, 3, 5] && changes.map { $0["index"] } == [1, 2, 4])
    #expect(changes.allSatisfy { $0["action"] == "dropped" && $0["reason"]?.string != nil })
    #expect(report.rowsDropped == 3 && report.rowsWritten == 2)
  }

  @Test func fixesAreListedWithBeforeAndAfter() throws {
    let files = try PreparedFiles([PreparedFiles.row("q", "Le cafÃ© est fermÃ©.")])
    let report = try files.prepare { $0.policy = try RowPolicy(["mojibake=fix"]) }
    #expect(try files.lines() == [PreparedFiles.row("q", "Le café est fermé.")])
    let change = try #require(try files.changes().first)
    #expect(change["action"] == "fixed" && change["text"] == "the assistant's text")
    #expect(change["before"] == "Le cafÃ© est fermÃ©." && change["after"] == "Le café est fermé.")
    #expect(report.rowsFixed == 1)
  }

  /// Neither the list nor the report shows what was redacted.
  @Test func redactedDataIsNowhere() throws {
    let text = "Ask anna.marsh@fjord.io\u{200B} or +47 22 85 50 50 in the cafÃ©, Ã©h?"
    let files = try PreparedFiles([PreparedFiles.row(text, "Yes, anna.marsh@fjord.io.")])
    try files.prepare {
      $0.policy = try RowPolicy(["doubt=fix"])
    }
    #expect(
      try files.lines()
        == [PreparedFiles.row("Ask [email] or [phone] in the café, éh?", "Yes, [email].")])
    for name in try directoryEntries(files.output) {
      let text = String(decoding: try readFile("\(files.output)/\(name)"), as: UTF8.self)
      #expect(!text.contains("anna.marsh@") && !text.contains("22 85"), "\(name)")
    }
    #expect(Set(try files.changes().compactMap { $0["kind"]?.string }).count == 4)
  }

  @Test func aRowThatCannotBeRepairedIsDropped() throws {
    var files = try PreparedFiles()
    try files.add(
      "s.jsonl", [#"{"messages":[{"role":"user","content":"a"}]}"#], format: .sharegpt)
    try files.prepare { $0.policy = try RowPolicy(["ends-with-user=fix"]) }
    let change = try #require(try files.changes().first)
    #expect(change["action"] == "dropped" && change["kind"] == "ends-with-user")
    #expect(change["reason"]?.string?.hasSuffix("and the repair does not help") == true)
  }

  @Test func failStopsWithThePlace() throws {
    let files = try PreparedFiles(Self.good + [PreparedFiles.row("q", "Mail bo@fjord.io.")])
    #expect {
      try files.prepare { $0.policy = try RowPolicy(["email=fail"]) }
    } throws: { error in
      let problem = error as? Problem
      return problem?.kind == .input
        && problem?.description.contains("rows.jsonl:3: the assistant's text holds") == true
    }
    #expect(try directoryEntries(files.directory.path) == ["rows.jsonl"])
  }

  @Test func refusedRowsMayBeKept() throws {
    let lines = Self.good + [#"{"instruction":"q","output":""}"#]
    let files = try PreparedFiles(lines)
    let report = try files.prepare { $0.policy = try RowPolicy(["all=keep"]) }
    #expect(try files.lines() == lines)
    #expect(report.entries.map(\.name) == ["empty-answer"] && report.entries[0].kept == 1)
  }

  // MARK: Filters

  @Test func rowsAreChosenByLengthAndPattern() throws {
    let lines = [
      PreparedFiles.row("ab", "cde"), PreparedFiles.row("Wo ist die Fähre?", "Am Steg."),
      PreparedFiles.row("Where is it?", "Over there, by the old mill."),
    ]
    func kept(_ change: (inout RowFilter) throws -> Void) throws -> [Int] {
      let files = try PreparedFiles(lines)
      try files.prepare { try change(&$0.filter) }
      let left = try files.lines()
      let reasons = try files.changes().filter { $0["action"] == "dropped" }
      #expect(left.count + reasons.count == 3)
      return lines.indices.filter { left.contains(lines[$0]) }
    }
    #expect(try kept { $0.minCharacters = 6 } == [1, 2])
    // "Wo ist die Fähre?" and "Am Steg." have 25 characters in 26 bytes.
    #expect(try kept { $0.maxCharacters = 25 } == [0, 1])
    #expect(try kept { $0.maxCharacters = 24 } == [0])
    #expect(try kept { $0.keep = [try SearchPattern("^(where|wo)\\b", place: "--keep")] } == [])
    #expect(
      try kept { $0.keep = [try SearchPattern("(?i)^where|fähre", place: "--keep")] } == [1, 2])
    #expect(try kept { $0.remove = [try SearchPattern("mill\\.$", place: "--remove")] } == [0, 1])
  }

  @Test func rowsAreChosenByTokens() throws {
    let lines = Self.good + [PreparedFiles.row("q", String(repeating: "water ", count: 90))]
    let files = try PreparedFiles(lines)
    #expect(throws: Problem.self) { try files.prepare { $0.filter.maxTokens = 80 } }
    var check = files.run.check
    check.renderer = try PreparedFiles.renderer()
    var run = PreparationRun(check)
    run.filter.maxTokens = 80
    #expect(try run.run(to: files.output).rowsWritten == 2)
    #expect(try files.changes().map { $0["kind"] } == ["max-tokens"])
  }

  // MARK: Rows that stand twice

  @Test func theFirstOfEqualRowsStays() throws {
    let again = PreparedFiles.row("Where does the  old ferry land?", "At the pier below the mill. ")
    let files = try PreparedFiles(Self.good + [again])
    try files.prepare()
    #expect(try files.lines() == Self.good)
    let change = try #require(try files.changes().first)
    #expect(change["kind"] == "duplicate" && change["line"] == 3 && change["other"]?["line"] == 1)
  }

  /// Rows that become the same by a repair are the same.
  @Test func repairsComeBeforeComparing() throws {
    let files = try PreparedFiles([
      PreparedFiles.row("q", "Le café est fermé."), PreparedFiles.row("q", "Le cafÃ© est fermÃ©."),
    ])
    try files.prepare { $0.policy = try RowPolicy(["mojibake=fix"]) }
    #expect(try files.lines().count == 1)
    #expect(try files.changes().map { $0["kind"] } == ["duplicate"])
  }

  /// It is the training row that goes; the held-out file stays complete.
  @Test func leaksLeaveTheTrainingFile() throws {
    var files = try PreparedFiles(Self.good)
    try files.add("held.jsonl", [Self.good[1]], part: .heldOut)
    let report = try files.prepare()
    #expect(try files.lines("train.jsonl") == [Self.good[0]])
    #expect(try files.lines("validation.jsonl") == [Self.good[1]])
    let change = try #require(try files.changes().first)
    #expect(change["kind"] == "leak" && change["line"] == 2)
    #expect(change["file"]?.string?.hasSuffix("/rows.jsonl") == true)
    #expect(report.inputs.map(\.part) == [.heldOut, .train])
  }

  @Test func aFileThatIsNamedTwiceIsReadOnce() throws {
    var files = try PreparedFiles(Self.good)
    try files.add("rows.jsonl", Self.good)
    let report = try files.prepare()
    #expect(report.rowsRead == 2 && report.inputs.count == 1)
    #expect(try files.changes().map { $0["kind"] } == ["same-file"])
    try files.add("rows.jsonl", Self.good, part: .heldOut)
    #expect(throws: Problem.self) { try files.prepare { $0.replaces = true } }
  }

  // MARK: The directory

  @Test func anotherDirectoryIsNotTouched() throws {
    let files = try PreparedFiles(Self.good)
    try files.prepare()
    let first = try readFile("\(files.output)/report.json")
    #expect(throws: Problem.self) { try files.prepare() }
    try files.prepare { $0.replaces = true }
    #expect(try readFile("\(files.output)/report.json") == first)
    _ = try files.directory.write("out/mine.txt", "x".utf8)
    #expect {
      try files.prepare { $0.replaces = true }
    } throws: {
      ($0 as? Problem)?.description.contains("it holds mine.txt") == true
    }
    // Neither are the rows that are read.
    var run = files.run
    run.replaces = true
    #expect(throws: Problem.self) { try run.run(to: files.directory.path) }
    #expect(fileExists(files.directory.path("rows.jsonl")))
  }

  @Test func aStopLeavesNothing() throws {
    let files = try PreparedFiles((0..<50).map { PreparedFiles.row("q \($0)", "a \($0)") })
    var calls = 0
    #expect(throws: Problem.self) {
      try files.prepare {
        $0.isStopped = {
          calls += 1
          return calls > 20
        }
      }
    }
    #expect(calls == 21)
    #expect(try directoryEntries(files.directory.path) == ["rows.jsonl"])
  }

  @Test func aFileThatEndsInTheMiddleIsAFaultUnlessAllowed() throws {
    let files = try PreparedFiles()
    let path = try files.directory.write(
      "r.json", #"[{"instruction": "a", "output": "b"}, {"instr"#.utf8)
    let check = RowCheckRun([.init(RowSource(path: path, format: .alpaca), .train)])
    var run = PreparationRun(check)
    #expect(throws: Problem.self) { try run.run(to: files.output) }
    #expect(!directoryExists(files.output))
    run.policy = try RowPolicy(["unreadable-file=drop"])
    #expect(try run.run(to: files.output).rowsWritten == 1)
    #expect(try files.changes().map { $0["kind"] } == ["unreadable-file"])
  }

  @Test func theReportSaysWhatWasReadAndWritten() throws {
    let files = try PreparedFiles(Self.good + ["{}"])
    try files.prepare { $0.split = try RowSplit("train=0.5,validation=0.5") }
    let report = try readJSON("\(files.output)/report.json")
    #expect(report["rows"]?["read"] == 3 && report["rows"]?["dropped"] == 1)
    #expect(report["kinds"]?["missing-field"]?["dropped"] == 1)
    #expect(report["options"]?["seed"] == 42)
    #expect(report["options"]?["policy"]?["mojibake"] == "keep")
    for (list, folder) in [("inputs", ""), ("outputs", "\(files.output)/")] {
      for entry in try #require(report[list]?.array) {
        let path = folder + (entry["file"]?.string ?? "")
        #expect(entry["sha256"]?.string == (try SHA256Digest(ofFile: path)).hex)
      }
    }
    let rows = report["outputs"]?.array?.compactMap { $0["rows"]?.integer }
    #expect(rows?.reduce(0, +) == 2 && rows?.count == 2)
  }
}
