import ArgumentParser
import Formats
import Model
import Rows

extension DataCommand {
  /// `finetune data check`: what a person should look at before training.
  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Finds rows that would harm a run, with file and line.",
      discussion: """
          finetune data check Recipes/quickstart-lora.json
          finetune data check rows.jsonl more.jsonl --format alpaca --validation held.jsonl
          finetune data check rows.jsonl --format sharegpt --model base --json

        Rows that are refused, cut or never trained, rows that stand twice or on both
        sides, control tokens, damaged characters, likely personal data, answers that
        are none. The exit code is 2 where something would damage the run.
        """)

    @OptionGroup var data: DataOptions

    @Flag(help: "Print every finding, not only the first of each kind.")
    var all = false

    @Flag(help: "Print one JSON object with every finding and nothing else.")
    var json = false

    func run() throws {
      let subject = try data.subject()
      var check = subject.check
      if let files = subject.files, let renderer = subject.renderer {
        check.known =
          UntrainedTokens(files, renderer: renderer)?.findings(model: files.path) ?? []
      }
      if !all, !json { check.findingsKept = FindingTable.shown }
      let progress = RowProgress("checked", terminal: .error)
      let report = try check.run(progress: progress.update)
      progress.finish()
      if json {
        Terminal.output.write(report.json.text() + "\n")
      } else {
        let table = FindingTable(report: report, files: subject.names, remark: subject.note)
        Terminal.output.write(table.text(on: .output))
      }
      if report.count(.damage) > 0 { throw ExitCode(ExitStatus.badInput) }
    }
  }
}
