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

  @OptionGroup var rows: RowOptions

  @Option(help: "New directory to keep the exported files in (default: they are removed).")
  var keep: String?

  @Flag(help: "Print one line of JSON for each format and nothing else.")
  var json = false

  func run() throws {
    var comparison = FormatComparison(
      model: model, data: rows.sources)
    comparison.adapter = adapter
    comparison.types = type.isEmpty ? GGUFModelType.allCases : type
    comparison.maxLength = rows.maxLength
    comparison.overlong = rows.overlong
    comparison.trainOn = rows.trainOn
    comparison.template = try rows.template.choice()
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
