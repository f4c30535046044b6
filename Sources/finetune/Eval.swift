import ArgumentParser
import Formats
import Rows
import Text
import Training

/// `finetune eval`: how well a model, and adapters on it, predict rows they never saw.
struct Eval: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval",
    abstract: "Measures the perplexity of a model on held-out rows, with or without adapters.",
    discussion: """
        finetune eval --model base --data held-out.json --format alpaca
        finetune eval --model base --adapter run/adapter --data held-out.json \\
            --format alpaca --json

      Every trained token counts the same, whatever row or batch it is in.
      """)

  @OptionGroup var model: ModelOptions

  @Option(parsing: .singleValue, help: "Adapter directory; may be repeated.")
  var adapter: [String] = []

  @OptionGroup var rows: RowOptions

  @Flag(help: "Print one line of JSON for each measurement and nothing else.")
  var json = false

  func run() throws {
    var evaluation = Evaluation(
      model: try model.path(), data: rows.sources)
    evaluation.adapters = try ModelReference.paths(adapter)
    evaluation.includeBase = !json
    evaluation.storage = model.storage
    evaluation.maxLength = rows.maxLength
    evaluation.overlong = rows.overlong
    evaluation.trainOn = rows.trainOn
    evaluation.template = try rows.template.choice()
    evaluation.threads = model.threads
    var warnings = WarningLines(terminal: .error)
    let results = try evaluation.run(
      note: { Terminal.error.write(Terminal.error.dim($0) + "\n") }, warn: { warnings.add($0) })
    warnings.finish()
    Terminal.output.write(json ? lines(results) : table(results))
  }

  /// One object for one measurement; with several adapters each says which it is.
  private func lines(_ results: [Evaluation.Result]) -> String {
    results.map { result in
      guard var object = result.json.object, results.count > 1 else { return result.json.text() }
      object["adapter"] = result.adapter.map(JSON.string) ?? .null
      return JSON.object(object).text()
    }.map { $0 + "\n" }.joined()
  }

  private func table(_ results: [Evaluation.Result]) -> String {
    guard let base = results.first else { return "" }
    var table = Table(rows: [["", "loss", "perplexity", "change"]])
    for result in results {
      table.rows.append([
        result.adapter ?? model.model, NumberText.fixed(result.loss, 4),
        NumberText.fixed(result.perplexity, 3),
        result.adapter == nil
          ? "" : NumberText.change(from: base.perplexity, to: result.perplexity),
      ])
      for (number, source) in result.sources.enumerated() {
        table.rows.append([
          "  \(source.name)", NumberText.fixed(source.loss, 4),
          NumberText.fixed(source.perplexity, 3),
          result.adapter == nil
            ? ""
            : NumberText.change(
              from: base.sources[number].perplexity, to: source.perplexity),
        ])
      }
    }
    let seconds = results.reduce(0) { $0 + $1.seconds }
    let dropped = base.droppedRows > 0 ? ", \(base.droppedRows) rows left out" : ""
    return table.text
      + "\(NumberText.grouped(base.rows)) rows, \(NumberText.grouped(base.tokens)) tokens counted"
      + "\(dropped), \(NumberText.duration(seconds))\n"
  }
}
