import ArgumentParser
import Export
import Formats
import Rows
import Text
import Training

/// `finetune compare`: what each format costs and keeps.
struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Exports a model in several types and measures them on held-out rows.",
    discussion: """
        finetune compare --model base --adapter run/adapter \\
            --type F16 --type Q8_0 --type Q4_K_M --data held-out.json --format alpaca

      The first line is the model as it is trained; nf4 is the same with its linear
      layers in 4 bits. Tokens a second are those of this program, which widens GGUF's
      blocks when it loads them: there they are the speed of the compute type.
      """)

  @OptionGroup var model: ModelOptions

  @Option(help: "Adapter directory.")
  var adapter: String?

  @Option(
    parsing: .singleValue, help: "Type to export and measure; may be repeated (default: all).")
  var type: [GGUFModelType] = []

  @Option(parsing: .singleValue, help: "File of rows; may be repeated.")
  var data: [String]

  @Option(help: "Format of the rows.")
  var format: RowFormat

  @Option(help: "Longest row in tokens.")
  var maxLength = 1024

  @Option(help: "What to do with longer rows.")
  var overlong = Overlong.drop

  @Option(help: "Tokens that count.")
  var trainOn = TrainOn.assistant

  @Option(
    help: "Chat template: auto (the model's own), the name of a built-in one, or a Jinja file.")
  var template = "auto"

  @Option(help: "New directory to keep the exported files in (default: they are removed).")
  var keep: String?

  @Flag(help: "Print one line of JSON for each format and nothing else.")
  var json = false

  func run() throws {
    var comparison = FormatComparison(
      model: model, data: data.map { RowSource(path: $0, format: format) })
    comparison.adapter = adapter
    comparison.types = type.isEmpty ? GGUFModelType.allCases : type
    comparison.maxLength = maxLength
    comparison.overlong = overlong
    comparison.trainOn = trainOn
    comparison.template = template
    comparison.keep = keep
    var warnings = WarningLines(terminal: .error)
    let lines = try comparison.run(warn: { warnings.add($0) }) { name in
      if !json { Terminal.error.write("measuring \(name)\n") }
    }
    warnings.finish()
    Terminal.output.write(json ? lines.map { $0.json.text() + "\n" }.joined() : table(lines))
  }

  private func table(_ lines: [FormatComparison.Line]) -> String {
    guard let first = lines.first else { return "" }
    var table = Table(
      rows: [["", "size", "bits/weight", "loss", "perplexity", "change", "tokens/s"]])
    for line in lines {
      table.rows.append([
        line.name, NumberText.bytes(line.bytes), NumberText.fixed(line.bitsPerWeight, 2),
        NumberText.fixed(line.result.loss, 4), NumberText.fixed(line.result.perplexity, 3),
        line.name == first.name
          ? ""
          : NumberText.change(from: first.result.perplexity, to: line.result.perplexity),
        NumberText.fixed(line.result.tokensPerSecond, 1),
      ])
    }
    return table.text
      + "\(NumberText.grouped(first.result.rows)) rows,"
      + " \(NumberText.grouped(first.result.tokens)) tokens counted\n"
  }
}
