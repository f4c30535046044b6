import Formats
import Model
import Recipes
package import Rows
import Tensors
import Text

/// The rows of a run as tokens: one part to learn from, one that is held out.
package struct TrainingData {
  package let train: any RowStore
  package let validation: any RowStore
  /// What became of the rows of the files: those to learn from, then those that are held out.
  package let sets: [RowSet]
  /// What the sources of the rows to learn from are called, and those of the held-out rows.
  let trainNames: [String]
  let validationNames: [String]
  /// What was recognized of the files, as sentences.
  package let notes: [String]
  /// Doubts about all rows together, as sentences.
  package let warnings: [String]

  init(recipe: Recipe, base: OpenedModel, supply: RowSupply) throws {
    let data = recipe.data
    var notes: [String] = []
    let renderer = base.renderer(data)
    func load(_ sources: [DataSource]) throws -> RowSet {
      let loading = try RowLoading(
        sources.map { $0.rows(data) }, renderer: renderer, maxLength: data.maxLength,
        overlong: data.overlong)
      notes += loading.recognitions
      return try supply.load(loading, base: base)
    }
    let learned = try load(data.train)
    let held = data.validation.isEmpty ? nil : try load(data.validation)
    sets = [learned] + [held].compactMap { $0 }
    if data.validationFraction > 0 {
      (train, validation) = try Self.split(
        learned.rows, fraction: data.validationFraction, seed: UInt64(recipe.training.seed))
    } else {
      (train, validation) = (learned.rows, held?.rows ?? SelectedRows([], of: learned.rows))
    }
    self.notes = notes
    trainNames = DataSection.names(data.train)
    validationNames = data.validationFraction > 0 ? trainNames : DataSection.names(data.validation)
    warnings =
      sets.flatMap(\.warnings)
      + (try StartChecks.warnings(
        train: train, heldOut: validation, summaries: sets.map(\.summary)))
  }

  /// Tokens of a step from each source that it has rows of; none where there is one source only.
  func sourceTokens(_ step: BatchPlan.Step) -> [StepMetrics.SourceTokens] {
    guard trainNames.count > 1 else { return [] }
    var tokens = [Int](repeating: 0, count: trainNames.count)
    for row in step.microBatches.joined() { tokens[train.source(row)] += train.length(row) }
    return zip(trainNames, tokens).filter { $1 > 0 }.map { .init(name: $0, tokens: $1) }
  }

  /// How often the rows of each source are seen; nil where all are seen once an epoch.
  func mixture(_ recipe: Recipe) -> RowMixture? {
    let shares = recipe.data.train.map { source -> RowMixture.Share? in
      if let samples = source.samples { return .samples(samples) }
      return source.weight.flatMap { $0 == 1 ? nil : .weight($0) }
    }
    guard shares.contains(where: { $0 != nil }) else { return nil }
    return RowMixture(
      sources: (0..<train.count).map(train.source), shares: shares,
      seed: UInt64(recipe.training.seed))
  }

  /// Rows that were left out.
  package var droppedRows: Int { sets.reduce(0) { $0 + $1.summary.droppedRows } }
  /// Rows that were cut.
  package var truncatedRows: Int { sets.reduce(0) { $0 + $1.summary.truncatedRows } }

  /// Holds out `fraction` of the rows, at least one, chosen by the seed; both parts keep their order.
  private static func split(
    _ rows: any RowStore, fraction: Double, seed: UInt64
  ) throws(Problem) -> (any RowStore, any RowStore) {
    let count = max(1, Int((Double(rows.count) * fraction).rounded()))
    guard count < rows.count else {
      throw Problem(
        "data.validation_fraction",
        "holding out \(fraction) of \(rows.count) rows leaves none to learn from; lower it")
    }
    let order = Random.permutation(rows.count, key: RandomKey(seed: seed, .validationSplit))
    var isHeld = [Bool](repeating: false, count: rows.count)
    for row in order.prefix(count) { isHeld[row] = true }
    return (
      SelectedRows(isHeld.indices.filter { !isHeld[$0] }, of: rows),
      SelectedRows(isHeld.indices.filter { isHeld[$0] }, of: rows)
    )
  }
}

extension TokenRow {
  /// What a batch takes of a row.
  package init(_ row: StoredRow) {
    self.init(ids: row.ids, labels: row.labels, weights: row.weights)
  }
}

extension RowStore {
  /// Some rows as batches take them.
  func tokenRows(_ rows: [Int]) throws(Problem) -> [TokenRow] {
    try rows.map { row throws(Problem) in TokenRow(try tokens(row)) }
  }
}
