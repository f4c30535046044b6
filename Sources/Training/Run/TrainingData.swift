import Formats
package import Model
package import Recipes
package import Rows
import Tensors
package import Text

/// The rows of a run as tokens: one part to learn from, one that is held out.
package struct TrainingData {
  package let train: [RenderedRow]
  package let validation: [RenderedRow]
  /// Rows that were dropped or changed.
  package let verdicts: [RowVerdict]
  /// Doubts about all rows together, as sentences.
  package let warnings: [String]

  package init(recipe: Recipe, renderer: Renderer) throws {
    let data = recipe.data
    var checks = StartChecks(renderer: renderer)
    func load(_ sources: [DataSource]) throws -> RowSet {
      try RowSet.load(
        sources.map { RowSource(path: $0.path, format: $0.format) }, renderer: renderer,
        maxLength: data.maxLength, overlong: data.overlong, observe: { checks.add($0) })
    }
    let learned = try load(data.train)
    let held = data.validation.isEmpty ? nil : try load(data.validation)
    verdicts = learned.verdicts + (held?.verdicts ?? [])
    if data.validationFraction > 0 {
      (train, validation) = try Self.split(
        learned.rows, fraction: data.validationFraction, seed: UInt64(recipe.training.seed))
    } else {
      (train, validation) = (learned.rows, held?.rows ?? [])
    }
    warnings =
      [learned.warning, held?.warning].compactMap { $0 }
      + checks.warnings(train: train, heldOut: validation)
  }

  /// Holds out `fraction` of the rows, at least one, chosen by the seed; both parts keep their order.
  private static func split(
    _ rows: [RenderedRow], fraction: Double, seed: UInt64
  ) throws(Problem) -> ([RenderedRow], [RenderedRow]) {
    let count = max(1, Int((Double(rows.count) * fraction).rounded()))
    guard count < rows.count else {
      throw Problem(
        "data.validation_fraction",
        "holding out \(fraction) of \(rows.count) rows leaves none to learn from; lower it")
    }
    let order = Random.permutation(rows.count, key: RandomKey(seed: seed, .validationSplit))
    let held = Set(order.prefix(count))
    return (
      rows.indices.filter { !held.contains($0) }.map { rows[$0] },
      rows.indices.filter { held.contains($0) }.map { rows[$0] }
    )
  }
}

extension RenderedRow {
  /// What a batch takes of the row.
  package var tokens: TokenRow { TokenRow(ids: ids, labels: labels, weights: weights) }

  /// Tokens that count in the loss: every trained token but the first of the row.
  package var trainedTokens: Int {
    labels.dropFirst().count { $0 != TokenBatch.ignoredLabel }
  }
}
