import Formats
import Model
import Recipes
import Rows
import Text
import Training

/// The rows that a run would learn from, as far as their batches depend on them.
struct TrainedRows {
  /// Tokens that are kept to find what rows have in common.
  private static let mostTokens = 1 << 26

  let maxLength: Int?
  let overlong: Overlong
  private(set) var lengths: [Int] = []
  /// nil where they were too many.
  private(set) var rows: [TokenRow]? = []
  private var tokens = 0

  init(maxLength: Int?, overlong: Overlong) {
    self.maxLength = maxLength
    self.overlong = overlong
  }

  mutating func add(_ outcome: RowOutcome) {
    for var row in outcome.rows {
      if let maxLength, row.ids.count > maxLength {
        guard overlong == .truncate else { continue }
        row.truncate(to: maxLength)
      }
      guard row.isTrained else { continue }
      lengths.append(row.ids.count)
      tokens += row.ids.count
      if tokens > Self.mostTokens { rows = nil }
      rows?.append(TokenRow(StoredRow(row)))
    }
  }
}

/// What the batches of one epoch cost, here and in a program that pads.
struct BatchForecast {
  let microBatchSize: Int
  let tokens: Int
  /// What rows padded to the longest of their micro-batch would be.
  let paddedTokens: Int
  /// Micro-batches of `microBatchSize` rows, and those that packing makes.
  let batches: Int
  let packedBatches: Int
  /// Tokens that rows of a micro-batch have in common; nil where they were not compared.
  let sharedTokens: Int?
  /// Of the recipe; nil without one.
  let stepsPerEpoch: Int?
  let epochs: Int?
  let steps: Int?

  /// nil where there is nothing to learn from.
  init?(_ trained: TrainedRows, recipe: Recipe?) {
    guard !trained.lengths.isEmpty else { return nil }
    let training = recipe?.training ?? TrainingSection()
    let lengths = trained.lengths
    microBatchSize = training.microBatchSize
    tokens = lengths.reduce(0, +)
    func plan(
      tokenBudget: Int?, accumulating: Int = 1, _ beginnings: RowBeginnings? = nil
    ) -> BatchPlan {
      BatchPlan(
        lengths: lengths, microBatchSize: training.microBatchSize, accumulationSteps: accumulating,
        tokenBudget: tokenBudget, shuffle: recipe?.data.shuffle ?? true,
        seed: UInt64(training.seed), beginnings: beginnings,
        grouping: training.sharedPrefix == .grouped)
    }
    let budget = training.microBatchSize * (trained.maxLength ?? lengths.max() ?? 1)
    let padded = plan(tokenBudget: nil).steps(epoch: 0).flatMap(\.microBatches)
    paddedTokens = padded.reduce(0) { sum, rows in
      sum + rows.count * (rows.map { lengths[$0] }.max() ?? 0)
    }
    batches = padded.count
    packedBatches = plan(tokenBudget: budget).stepCount(epoch: 0)
    let sharing = training.sharedPrefix == .off ? nil : trained.rows.map { RowBeginnings(rows: $0) }
    let real = plan(
      tokenBudget: recipe?.data.packing ?? true ? budget : nil,
      accumulating: training.gradientAccumulationSteps, sharing)
    sharedTokens = sharing.map { _ in
      let computed = real.steps(epoch: 0).flatMap(\.microBatches).reduce(0) {
        $0 + real.computedTokens($1)
      }
      return lengths.reduce(0, +) - computed
    }
    epochs = recipe?.training.epochs
    stepsPerEpoch = recipe == nil ? nil : real.stepCount(epoch: 0)
    steps = recipe.map { recipe in
      recipe.training.maxSteps
        ?? (0..<recipe.training.epochs).reduce(0) { $0 + real.stepCount(epoch: $1) }
    }
  }

  var json: JSON {
    func number(_ value: Int?) -> JSON { value.map(JSON.integer) ?? .null }
    return [
      "micro_batch_size": .integer(microBatchSize), "tokens": .integer(tokens),
      "padded_tokens": .integer(paddedTokens), "micro_batches": .integer(batches),
      "packed_micro_batches": .integer(packedBatches), "shared_tokens": number(sharedTokens),
      "steps_per_epoch": number(stepsPerEpoch), "epochs": number(epochs), "steps": number(steps),
    ]
  }
}
