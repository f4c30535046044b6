import ArgumentParser
import Formats
import Rows
import Text

extension DataCommand {
  /// `finetune data stats`: how many rows and tokens, how long they are, and what a run makes of them.
  struct Stats: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Counts rows, messages and tokens, and shows how long rows are.",
      discussion: """
          finetune data stats Recipes/quickstart-lora.json
          finetune data stats rows.jsonl --format alpaca --model base

        Says also what a program would compute that pads the rows of a micro-batch to
        the longest of them, in random order, what packing and shared beginnings save,
        and how many steps the recipe makes. Without a model, bytes are counted.
        """)

    @OptionGroup var data: DataOptions

    @Flag(help: "Print one JSON object and nothing else.")
    var json = false

    func run() throws {
      let subject = try data.subject()
      var rows = TrainedRows(maxLength: subject.maxLength, overlong: subject.overlong)
      let progress = RowProgress("read", terminal: .error)
      let sources = try RowStatistics.read(
        subject.sources, renderer: subject.renderer,
        observe: { outcome, part in if part == .train { rows.add(outcome) } },
        progress: progress.update)
      progress.finish()
      let forecast = BatchForecast(rows, recipe: subject.recipe)
      let table = StatisticsTable(
        sources: sources, isRendered: subject.renderer != nil, forecast: forecast,
        remark: subject.note)
      Terminal.output.write(json ? table.json.text() + "\n" : table.text(on: .output))
    }
  }
}
