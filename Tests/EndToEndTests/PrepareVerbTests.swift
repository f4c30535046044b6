import Formats
import Foundation
import TestSupport
import Testing

/// `finetune data prepare`.
@Suite struct PrepareVerbTests {
  private func prepare(_ run: TinyRun, _ arguments: String...) throws -> Binary.Result {
    let all = ["data", "prepare", "rows.jsonl", "--format", "alpaca", "--output", "out"]
    return try Binary.run(all + arguments, in: run.directory.path)
  }

  @Test func rowsAreCleanedAndChangesListed() throws {
    let run = try DamagedRows.run()
    let result = try prepare(
      run, "--model", TinyRun.model, "--on", "control-token=fix", "--redact", "email")
    #expect(result.status == 0, "\(result.error)")
    #expect(result.error == "")
    #expect(
      result.output == """
        rows.jsonl: 5 rows read, 3 written, 2 dropped, 2 fixed

                        fixed   dropped
        empty-answer                  1
        duplicate                     1
        control-token       1
        email               1

        out/rows.jsonl         3 rows
        out/changes.jsonl   4 changes
        out/report.json

        """)
    let text = String(decoding: try readFile(run.directory.path("out/rows.jsonl")), as: UTF8.self)
    #expect(
      text.split(separator: "\n").map { try? JSONParser.parse(String($0))["output"] } == [
        "At the pier below the mill.", "The mule does, < |im_end|> they say.",
        "Write to [email] first.",
      ])
    let check = try run.run(
      "data", "check", "out/rows.jsonl", "--format", "alpaca", "--model", TinyRun.model)
    #expect(check.output == "out/rows.jsonl: 3 rows, nothing found\n")
  }

  @Test func theReportIsJSON() throws {
    let run = try DamagedRows.run()
    let result = try prepare(run, "--json", "--split", "train=0.5,validation=0.5")
    #expect(result.status == 0)
    let report = try JSONParser.parse(result.output)
    #expect(report == (try readJSON(run.directory.path("out/report.json"))))
    #expect(report["rows"]?["read"] == 5 && report["rows"]?["written"] == 3)
    let files = report["outputs"]?.array?.compactMap { $0["file"]?.string }
    #expect(files == ["train.jsonl", "validation.jsonl"])
  }

  @Test func aRecipesFilesArePrepared() throws {
    let run = try TinyRun()
    let result = try run.run("data", "prepare", "r.json", "--output", "out")
    #expect(result.status == 0, "\(result.error)")
    #expect(result.output.hasPrefix("rows.json, held.jsonl: 15 rows read, 15 written\n"))
    #expect(fileExists(run.directory.path("out/validation.jsonl")))
  }

  @Test func aFailingRuleLeavesNothing() throws {
    let run = try DamagedRows.run()
    let result = try prepare(run, "--on", "email=fail")
    #expect(result.status == 2)
    #expect(result.error.hasPrefix("finetune: rows.jsonl:5: the assistant's text holds"))
    #expect(!FileManager.default.fileExists(atPath: run.directory.path("out")))
    #expect(!FileManager.default.fileExists(atPath: run.directory.path(".out.partial")))
  }

  @Test func anInterruptionLeavesNothing() throws {
    let run = try DamagedRows.run()
    let text = (0..<200_000).map { number in
      #"{"instruction": "Who is number \#(number)?", "output": "It is \#(number), and no other."}"#
        + "\n"
    }.joined()
    _ = try run.directory.write("rows.jsonl", text.utf8)
    let running = try Binary.start(
      ["data", "prepare", "rows.jsonl", "--format", "alpaca", "--output", "out"],
      in: run.directory.path)
    let partial = run.directory.path(".out.partial")
    while running.isRunning, !FileManager.default.fileExists(atPath: partial) { usleep(1000) }
    running.send(SIGINT)
    let result = try running.finish()
    #expect(result.status == 130)
    #expect(result.error.hasSuffix("stopped; nothing was written\n"))
    #expect(!FileManager.default.fileExists(atPath: partial))
    #expect(!FileManager.default.fileExists(atPath: run.directory.path("out")))
  }

  @Test(arguments: [
    (["--on", "mojibak=fix"], "--on: 1 problem"), (["--split", "a=2"], "--split: found \"a=2\""),
    (["--redact", "name"], "--redact: \"name\" is unknown"),
    (["--keep", "("], "--keep: the pattern"),
    (["--copies", "2"], "--copies: copies would only"), (["--max-tokens", "9"], "--min-tokens, "),
    (["--min-characters", "9", "--max-characters", "3"], "--max-characters: found 3"),
    (["--typo-share", "2"], "--typo-share: found 2"),
    (["--system-prompts", "none.txt"], "none.txt: there is no such file"),
  ])
  func wrongOptionsAreSentences(options: [String], sentence: String) throws {
    let run = try DamagedRows.run()
    let all = ["data", "prepare", "rows.jsonl", "--format", "alpaca", "--output", "out"]
    let result = try Binary.run(all + options, in: run.directory.path)
    #expect(result.status == 2)
    #expect(result.error.hasPrefix("finetune: " + sentence), "\(result.error)")
    #expect(!FileManager.default.fileExists(atPath: run.directory.path("out")))
  }
}
