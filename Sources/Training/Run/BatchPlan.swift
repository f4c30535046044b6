import Model
import Tensors

/// Which rows make up which optimizer step: a function of the recipe and the row lengths alone, so a
/// resumed run needs no more than the number of steps that are done.
package struct BatchPlan: Sendable {
  /// Tokens of each row.
  package let lengths: [Int]
  package let microBatchSize: Int
  package let accumulationSteps: Int
  /// With packing: token budget of a micro-batch; nil = `microBatchSize` rows each.
  package let tokenBudget: Int?
  package let shuffle: Bool
  package let seed: UInt64

  package init(
    lengths: [Int], microBatchSize: Int, accumulationSteps: Int, tokenBudget: Int?, shuffle: Bool,
    seed: UInt64
  ) {
    precondition(!lengths.isEmpty, "a plan without rows")
    self.lengths = lengths
    self.microBatchSize = microBatchSize
    self.accumulationSteps = accumulationSteps
    self.tokenBudget = tokenBudget
    self.shuffle = shuffle
    self.seed = seed
  }

  /// Row indices of each micro-batch of one optimizer step.
  package struct Step: Sendable, Equatable {
    /// 0-based.
    package let epoch: Int
    package let microBatches: [[Int]]
    /// Epochs that are done after this step, e.g. 1.5.
    package let epochsDone: Double
  }

  /// The optimizer steps of one epoch; the last may have fewer micro-batches.
  package func steps(epoch: Int) -> [Step] {
    let batches = microBatches(order: order(epoch: epoch))
    return stride(from: 0, to: batches.count, by: accumulationSteps).map { start in
      let end = min(start + accumulationSteps, batches.count)
      return Step(
        epoch: epoch, microBatches: Array(batches[start..<end]),
        epochsDone: Double(epoch) + Double(end) / Double(batches.count))
    }
  }

  /// All steps from the beginning, epoch after epoch without end.
  package var allSteps: some Sequence<Step> { (0...).lazy.flatMap { steps(epoch: $0) } }

  private func order(epoch: Int) -> [Int] {
    guard shuffle else { return Array(lengths.indices) }
    return Random.permutation(
      lengths.count, key: RandomKey(seed: seed, .shuffle, a: UInt32(truncatingIfNeeded: epoch)))
  }

  /// Whole rows in order; a row that does not fit the budget opens the next micro-batch.
  private func microBatches(order: [Int]) -> [[Int]] {
    var batches: [[Int]] = []
    var current: [Int] = []
    var tokens = 0
    for row in order {
      let isFull =
        tokenBudget.map { tokens + lengths[row] > $0 } ?? (current.count == microBatchSize)
      if isFull, !current.isEmpty {
        batches.append(current)
        (current, tokens) = ([], 0)
      }
      current.append(row)
      tokens += lengths[row]
    }
    return batches + [current]
  }
}
