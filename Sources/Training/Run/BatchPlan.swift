package import Model
import Tensors

/// Which rows make up which optimizer step: a function of the recipe and the rows alone, so a resumed
/// run needs no more than the number of steps that are done.
package struct BatchPlan: Sendable {
  /// Tokens of each row.
  package let lengths: [Int]
  package let microBatchSize: Int
  package let accumulationSteps: Int
  /// With packing: token budget of a micro-batch; nil = `microBatchSize` rows each.
  package let tokenBudget: Int?
  package let shuffle: Bool
  package let seed: UInt64
  /// What rows have in common, where micro-batches compute that once; nil: they do not.
  package let beginnings: RowBeginnings?
  /// Rows that are shuffled together; nil: each row for itself.
  private let groups: [[Int]]?

  /// - Parameters:
  ///   - beginnings: Of the rows; nil: nothing is shared.
  ///   - grouping: Keeps rows that begin alike together when rows are shuffled.
  package init(
    lengths: [Int], microBatchSize: Int, accumulationSteps: Int, tokenBudget: Int?, shuffle: Bool,
    seed: UInt64, beginnings: RowBeginnings? = nil, grouping: Bool = false
  ) {
    precondition(!lengths.isEmpty, "a plan without rows")
    self.lengths = lengths
    self.microBatchSize = microBatchSize
    self.accumulationSteps = accumulationSteps
    self.tokenBudget = tokenBudget
    self.shuffle = shuffle
    self.seed = seed
    self.beginnings = beginnings
    groups = grouping ? beginnings.map { Self.groups($0, count: lengths.count) } : nil
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
        epoch: epoch, microBatches: sharingMost(Array(batches[start..<end])),
        epochsDone: Double(epoch) + Double(end) / Double(batches.count))
    }
  }

  /// The number of steps of one epoch.
  package func stepCount(epoch: Int) -> Int {
    let batches = microBatches(order: order(epoch: epoch)).count
    return (batches + accumulationSteps - 1) / accumulationSteps
  }

  /// All steps from the beginning, epoch after epoch without end.
  package var allSteps: some Sequence<Step> { (0...).lazy.flatMap { steps(epoch: $0) } }

  /// Tokens that a micro-batch computes: those of its rows without what they share.
  package func computedTokens(_ rows: [Int]) -> Int {
    rows.reduce(0) { $0 + lengths[$1] } - (beginnings?.savedTokens(among: rows) ?? 0)
  }

  // MARK: Order

  private func order(epoch: Int) -> [Int] {
    guard shuffle else { return Array(lengths.indices) }
    let order = permutation(lengths.count, epoch: epoch, stream: 0)
    guard let groups else { return order }
    var places = order
    for (place, row) in order.enumerated() { places[row] = place }
    // A large group in parts, or steps would see little else for a long time.
    let parts = groups.flatMap { group in
      microBatches(order: group.sorted { places[$0] < places[$1] })
    }
    return permutation(parts.count, epoch: epoch, stream: 1).flatMap { parts[$0] }
  }

  private func permutation(_ count: Int, epoch: Int, stream: UInt32) -> [Int] {
    Random.permutation(
      count,
      key: RandomKey(seed: seed, .shuffle, a: UInt32(truncatingIfNeeded: epoch), b: stream))
  }

  /// Families among all rows, and every other row for itself.
  private static func groups(_ beginnings: RowBeginnings, count: Int) -> [[Int]] {
    let families = beginnings.families(among: Array(0..<count)).map(\.rows)
    let grouped = Set(families.joined())
    return families + (0..<count).filter { !grouped.contains($0) }.map { [$0] }
  }

  // MARK: Micro-batches

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

  /// The micro-batches of a step, or others of the same rows that compute fewer tokens. The step's
  /// gradient is a sum over its rows, so only the order of sums differs.
  private func sharingMost(_ batches: [[Int]]) -> [[Int]] {
    guard let beginnings, batches.count > 1 else { return batches }
    let sorted = microBatches(order: beginnings.sorted(batches.flatMap { $0 }))
    func tokens(_ batches: [[Int]]) -> Int { batches.reduce(0) { $0 + computedTokens($1) } }
    return tokens(sorted) < tokens(batches) ? sorted : batches
  }
}
