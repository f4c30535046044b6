import ArgumentParser
import Formats
import Rows

extension DataCommand {
  /// `finetune data prepare`: rows that are cleaned, and a list of every change.
  struct Prepare: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Writes cleaned rows and a list of every change.",
      discussion: """
          finetune data prepare mine.json --output Prepared
          finetune data prepare rows.jsonl --format alpaca --output Prepared \\
              --on mojibake=fix --on near-duplicate=drop --redact email,phone \\
              --split train=0.9,validation=0.1

        Rows keep their format; only what a rule changes is changed. DIR gets the rows
        (rows.jsonl; train.jsonl and validation.jsonl where some are held out; a file
        for each part of --split), changes.jsonl with a line for every row that was
        dropped or changed, and report.json. The same input, rules and seed give the
        same bytes. finetune data check shows which findings there are, and where.
        """)

    @OptionGroup var data: DataOptions

    @Option(help: ArgumentHelp("Directory to write.", valueName: "dir"))
    var output: String

    @Flag(help: "Replace what an earlier preparation wrote there.")
    var force = false

    @OptionGroup var cleaning: CleaningOptions

    @OptionGroup var variation: AugmentationOptions

    @Option(
      help: ArgumentHelp(
        "Parts to write; which part a row is in depends on what it says and the seed alone.",
        valueName: "name=share,…"))
    var split: String?

    @Option(help: "Seed of the split and of everything that is drawn.")
    var seed: UInt64 = 42

    @Flag(help: "Print the report as one JSON object and nothing else.")
    var json = false

    func run() throws {
      let interruption = Interruption()
      interruption.watch { Terminal.error.write("\nstopping; nothing will be left\n") }
      let subject = try data.subject()
      var preparation = try preparation(of: subject)
      preparation.isStopped = { interruption.isRequested }
      let progress = RowProgress("prepared", terminal: .error)
      do {
        let report = try preparation.run(to: output, progress: progress.update)
        progress.finish()
        let table = PreparationTable(
          report: report, files: subject.names, output: output, remark: subject.remark)
        Terminal.output.write(json ? report.json.text() + "\n" : table.text(on: .output))
      } catch {
        progress.finish()
        guard interruption.isRequested else { throw error }
        Terminal.error.write("stopped; nothing was written\n")
        throw ExitCode(ExitStatus.interrupted)
      }
    }

    private func preparation(of subject: DataOptions.Subject) throws -> PreparationRun {
      var preparation = PreparationRun(subject.check)
      preparation.policy = try cleaning.policy()
      preparation.filter = try cleaning.filter()
      preparation.trims = cleaning.trim
      preparation.augmentation = try variation.augmentation()
      if let split { preparation.split = try RowSplit(split) }
      preparation.seed = seed
      preparation.replaces = force
      return preparation
    }
  }
}
