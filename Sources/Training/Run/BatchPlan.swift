import Dispatch
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
  /// How often the rows of each source are seen; nil: each row once an epoch.
  private let mixture: RowMixture?
  /// What rows have in common, where micro-batches compute that once; nil: they do not.
  package let beginnings: RowBeginnings?
  /// For each row the number of the rows that it is shuffled with; nil: each row for itself.
  private let groups: [Int32]?

  /// - Parameters:
  ///   - mixture: Of the rows' sources.
  ///   - beginnings: Of the rows; nil: nothing is shared.
  ///   - grouping: Keeps rows that begin alike together when rows are shuffled.
  package init(
    lengths: [Int], microBatchSize: Int, accumulationSteps: Int, tokenBudget: Int?, shuffle: Bool,
    seed: UInt64, mixture: RowMixture? = nil, beginnings: RowBeginnings? = nil,
    grouping: Bool = false
  ) {
    precondition(!lengths.isEmpty, "a plan without rows")
    self.lengths = lengths
    self.microBatchSize = microBatchSize
    self.accumulationSteps = accumulationSteps
    self.tokenBudget = tokenBudget
    self.shuffle = shuffle
    self.seed = seed
    self.mixture = mixture
    self.beginnings = beginnings
    groups = grouping ? beginnings.map { Self.groups($0, count: lengths.count) } : nil
  }

  /// Row indices of each micro-batch of one optimizer step.
  package struct Step: Sendable, Equatable {
    /// 0-based.
    package let epoch: Int
    package let microBatches: [[Int]]
    /// Tokens that each of them computes: those of its rows without what they share.
    package let computedTokens: [Int]
    /// Epochs that are done after this step, e.g. 1.5.
    package let epochsDone: Double
  }

  /// The optimizer steps of one epoch; the last may have fewer micro-batches.
  package func steps(epoch: Int) -> [Step] {
    let batches = microBatches(order: order(epoch: epoch))
    let count = (batches.count + accumulationSteps - 1) / accumulationSteps
    return inParallel(count) { step in
      let start = step * accumulationSteps
      let end = min(start + accumulationSteps, batches.count)
      let (chosen, tokens) = sharingMost(Array(batches[start..<end]))
      return Step(
        epoch: epoch, microBatches: chosen, computedTokens: tokens,
        epochsDone: Double(epoch) + Double(end) / Double(batches.count))
    }
  }

  /// Each step is for itself; a million rows take seconds.
  private func inParallel(_ count: Int, _ step: (Int) -> Step) -> [Step] {
    let stretch = 256
    var steps = [Step?](repeating: nil, count: count)
    steps.withUnsafeMutableBufferPointer { steps in
      // Every step is made once, and is an element of its own.
      nonisolated(unsafe) let steps = steps
      nonisolated(unsafe) let step = step
      DispatchQueue.concurrentPerform(iterations: (count + stretch - 1) / stretch) { part in
        for index in part * stretch..<min((part + 1) * stretch, count) {
          steps[index] = step(index)
        }
      }
    }
    return steps.compactMap { $0 }
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

  /// The rows of an epoch in the order in which they are seen. A row may stand in it more than once.
  package func order(epoch: Int) -> [Int] {
    guard shuffle else { return mixture?.interleaved(epoch: epoch) ?? Array(lengths.indices) }
    let rows = mixture.map { Array($0.rows(epoch: epoch).joined()) }
    let places = permutation(rows?.count ?? lengths.count, epoch: epoch, stream: 0)
    let order = rows.map { rows in places.map { rows[$0] } } ?? places
    guard let groups else { return order }
    var members = [[Int]](repeating: [], count: Int(groups.max() ?? 0) + 1)
    for row in order { members[Int(groups[row])].append(row) }
    // A large group in parts, or steps would see little else for a long time.
    let parts = members.filter { !$0.isEmpty }.flatMap { microBatches(order: $0) }
    return permutation(parts.count, epoch: epoch, stream: 1).flatMap { parts[$0] }
  }

  private func permutation(_ count: Int, epoch: Int, stream: UInt32) -> [Int] {
    Random.permutation(
      count,
      key: RandomKey(seed: seed, .shuffle, a: UInt32(truncatingIfNeeded: epoch), b: stream))
  }

  /// Families among all rows, and every other row for itself.
  private static func groups(_ beginnings: RowBeginnings, count: Int) -> [Int32] {
    var groups = [Int32](repeating: -1, count: count)
    var next: Int32 = 0
    for family in beginnings.families(among: Array(0..<count)) {
      for row in family.rows { groups[row] = next }
      next += 1
    }
    for row in groups.indices where groups[row] < 0 {
      groups[row] = next
      next += 1
    }
    return groups
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
  ///
  /// - Returns: Also the tokens that each computes.
  private func sharingMost(_ batches: [[Int]]) -> ([[Int]], [Int]) {
    let tokens = batches.map(computedTokens)
    guard let beginnings, batches.count > 1 else { return (batches, tokens) }
    let sorted = microBatches(order: beginnings.sorted(batches.flatMap { $0 }))
    let fewer = sorted.map(computedTokens)
    return fewer.reduce(0, +) < tokens.reduce(0, +) ? (sorted, fewer) : (batches, tokens)
  }
}
