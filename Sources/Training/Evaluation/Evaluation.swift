package import Formats
import Model
import Recipes
package import Rows
package import Tensors
package import Text

/// `finetune eval`: perplexity of a base model and of adapters on it, on the same rows.
package struct Evaluation {
  package var model: String
  /// Adapter directories, each measured alone on the base. Empty: the base is measured.
  package var adapters: [String] = []
  /// Measure the base as well where there are adapters.
  package var includeBase = false
  package var data: [RowSource]
  package var storage = WeightStorage(.bfloat16)
  package var maxLength = 1024
  package var overlong = Overlong.drop
  package var template: TemplateChoice = "auto"
  package var trainOn = TrainOn.assistant
  package var threads: Int? = nil

  package init(model: String, data: [RowSource]) {
    self.model = model
    self.data = data
  }

  package struct Result: Sendable {
    /// nil for the base alone.
    package let adapter: String?
    package let loss: Double
    package let perplexity: Double
    package let tokens: Int
    package let rows: Int
    package let droppedRows: Int
    package let seconds: Double
    /// The same of each source, where there are several.
    package let sources: [SourceLoss]

    /// The object that `--json` prints.
    package var json: JSON {
      var json: JSON = [
        "loss": .number(loss), "perplexity": .number(perplexity), "tokens": .integer(tokens),
        "rows": .integer(rows), "dropped_rows": .integer(droppedRows), "seconds": .number(seconds),
      ]
      if !sources.isEmpty { json.set("sources", .array(sources.map(\.json))) }
      return json
    }
  }

  /// - Parameters:
  ///   - note: Gets a sentence on what the rows were recognized as.
  ///   - warn: Gets a sentence for each dropped row and each doubt about the rows or an adapter.
  package func run(
    note: (String) -> Void = { _ in }, warn: (String) -> Void = { _ in }
  ) throws -> [Result] {
    ThreadCount.use(threads)
    let base = try OpenedModel(path: model, template: template.with(adapters: adapters))
    let files = base.files
    // Adapters are checked before minutes are spent on the weights.
    let loaded = try adapters.map {
      try AdapterDirectory.load(
        $0, linears: files.specification.linears, baseFingerprint: files.fingerprint)
    }
    for warning in loaded.flatMap(\.warnings) { warn(warning) }
    for adapter in adapters where template.name == "auto" {
      guard let own = try ChatTemplate.template(ofAdapter: adapter),
        own.source != base.template.source
      else { continue }
      warn(
        "\(adapter) was trained with another chat template than the one that all are measured with, "
          + base.template.name)
    }
    let loading = try RowLoading(
      data, renderer: base.renderer(trainOn: trainOn), maxLength: maxLength, overlong: overlong)
    for recognition in loading.recognitions { note(recognition) }
    let set = try RowSet.load(loading)
    for verdict in set.verdicts { warn(verdict.description) }
    for warning in set.warnings { warn(warning) }
    try files.specification.requirePositions(
      for: set.rows.lengths.max() ?? 0, place: "--max-length")
    let model = try base.load(storage)

    let dropped = set.summary.droppedRows
    let names = DataSection.names(ofFiles: data.map(\.path))
    func measure(_ adapters: AdapterSet?, path: String?) throws -> Result {
      let started = ContinuousClock.now
      guard let loss = try HeldOutLoss.measure(set.rows, model: model, adapters: adapters) else {
        throw Problem(self.model, "the evaluation was stopped", kind: .run)
      }
      return Result(
        adapter: path, loss: loss.mean, perplexity: loss.perplexity, tokens: loss.tokens,
        rows: set.rows.count, droppedRows: dropped,
        seconds: started.duration(to: .now).seconds,
        sources: loss.sources.map { SourceLoss($0, names: names) })
    }
    let baseResult = adapters.isEmpty || includeBase ? [try measure(nil, path: nil)] : []
    return try baseResult + zip(loaded, adapters).map { try measure($0.adapters, path: $1) }
  }
}
