import Formats
import TestSupport
import Testing
import Text

@testable import Rows

/// A file of good rows with every kind of damage in it, prepared and checked again.
@Suite struct PlantedPreparationTests {
  private struct Prepared {
    let planted: PlantedFiles
    let report: PreparationReport
    let output: String

    init(_ rules: [String], rows: Int = 500, shinglesKept: Int = 1 << 24) throws {
      planted = try PlantedFiles(rows: rows, seed: 7)
      var check = planted.run
      check.renderer = try PlantedFiles.renderer()
      (check.maxLength, check.positions) = (4500, 1800)
      check.shinglesKept = shinglesKept
      var run = PreparationRun(check)
      run.policy = try RowPolicy(rules)
      output = planted.directory.path("out")
      report = try run.run(to: output)
    }

    /// What a check finds in what was written.
    func findings() throws -> [RowFinding] {
      var check = RowCheckRun([
        .init(RowSource(path: output + "/train.jsonl", format: .sharegpt), .train),
        .init(RowSource(path: output + "/validation.jsonl", format: .sharegpt), .heldOut),
      ])
      check.renderer = try PlantedFiles.renderer()
      (check.maxLength, check.positions) = (4500, 1800)
      return try check.run().findings
    }

    func bytes(_ name: String) throws -> [UInt8] { try readFile("\(output)/\(name)") }
  }

  @Test func nothingIsFoundAfterDroppingAll() throws {
    let prepared = try Prepared(["all=drop"])
    #expect(try prepared.findings().map(\.description) == [])
    // Each planted row went, and no other.
    #expect(prepared.report.rowsDropped == prepared.planted.damage.count)
    #expect(prepared.report.rowsRead == 600 + prepared.planted.damage.count)
    for kind in Set(prepared.planted.damage.values) where kind != .leak && kind != .nearLeak {
      let dropped = prepared.report.entries.contains { $0.name == kind.rawValue }
      #expect(dropped, "\(kind) of \(prepared.report.entries.map(\.name))")
    }
  }

  @Test func repairedRowsStayAndNothingIsFound() throws {
    let prepared = try Prepared(["all=drop", "damage=fix", "doubt=fix"])
    #expect(try prepared.findings().map(\.description) == [])
    let fixed = prepared.report.entries.filter { $0.fixed > 0 }.map(\.name)
    #expect(
      fixed == [
        "repeated-key", "ends-with-user", "control-token", "chat-markup", "mojibake",
        "control-character", "invisible-character", "email", "phone", "card-number", "iban",
        "ip-address", "secret",
      ])
    #expect(prepared.report.rowsFixed == 13)
    #expect(prepared.report.rowsDropped == prepared.planted.damage.count - 13)
  }

  /// What is kept is what a check of the input finds, and no more goes than the rules say.
  @Test func theRestIsKept() throws {
    let prepared = try Prepared([])
    let kinds = Set(try prepared.findings().map(\.kind))
    #expect(kinds.allSatisfy { $0.severity != .damage && $0 != .duplicate })
    #expect(kinds.isSuperset(of: [.mojibake, .email, .nearDuplicate, .openFence, .refusal]))
    let dropped = prepared.report.entries.filter { $0.dropped > 0 }.map(\.name)
    #expect(
      dropped.allSatisfy {
        RowFindingKind(rawValue: $0).map {
          $0.severity == .damage || $0 == .duplicate || $0 == .roleOrder
        } ?? false
      }, "\(dropped)")
    let kept = prepared.report.entries.first { $0.name == "mojibake" }
    #expect(kept?.kept == 1 && kept?.dropped == 0)
  }

  /// Rows that wait for the look at all rows come out as those that are written at once, and those whose
  /// words are read again are judged alike.
  @Test func theSameBytesEveryTime() throws {
    let rules = ["doubt=fix"]
    let first = try Prepared(rules)
    let again = try Prepared(rules)
    let reread = try Prepared(rules, shinglesKept: 0)
    let atOnce = try Prepared(rules + ["near-duplicate=keep", "near-leak=keep"])
    for name in ["train.jsonl", "validation.jsonl"] {
      #expect(try again.bytes(name) == first.bytes(name))
      #expect(try reread.bytes(name) == first.bytes(name))
    }
    #expect(try reread.bytes("changes.jsonl").count == first.bytes("changes.jsonl").count)
    let more = Set(try atOnce.bytes("train.jsonl").split(separator: 0x0A))
    let fewer = Set(try first.bytes("train.jsonl").split(separator: 0x0A))
    #expect(fewer.isSubset(of: more) && more.count == fewer.count + 2)
  }

  /// Of a chain of rows that are each nearly the next one, no two neighbours stay.
  @Test func chainsOfNearDuplicatesAreThinned() throws {
    var rows = GoodRows(seed: 8)
    var words = rows.sentences(12).split(separator: " ").map(String.init)
    var lines: [String] = []
    for step in 0..<30 {
      lines.append(PreparedFiles.row("Tell me what happens.", words.joined(separator: " ")))
      words[step * 4] = "zebra\(step)"
    }
    let files = try PreparedFiles(lines)
    let report = try files.prepare { $0.policy = try RowPolicy(["near-duplicate=drop"]) }
    #expect((2...12).contains(report.rowsWritten))
    let path = files.output + "/rows.jsonl"
    let check = RowCheckRun([.init(RowSource(path: path, format: .alpaca), .train)])
    #expect(try check.run().findings.isEmpty)
  }
}
