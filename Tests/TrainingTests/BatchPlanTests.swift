import Model
import TestSupport
import Testing
import Training

/// Which rows meet: without sharing, with it, and with rows that begin alike kept together.
@Suite struct BatchPlanTests {
  static func row(_ ids: [Int32], trainedFrom first: Int) -> TokenRow {
    TokenRow(
      ids: ids, labels: ids.enumerated().map { $0 < first ? TokenBatch.ignoredLabel : $1 })
  }

  struct Drawn {
    let rows: [TokenRow]
    let microBatchSize, accumulationSteps: Int
    let tokenBudget: Int?
    let shuffle: Bool

    /// Rows of several documents, some with a beginning of their own, in random order.
    init(seed: UInt64) {
      var random = SplitMix64(seed: seed)
      let documents = (0..<4).map { _ in random.integers(30, in: 0..<100) }
      rows = (0..<Int.random(in: 1...60, using: &random)).map { _ in
        let own = random.integers(Int.random(in: 1...25, using: &random), in: 0..<100)
        let ids =
          (Bool.random(using: &random) ? documents.randomElement(using: &random) ?? [] : [])
          + own
        return BatchPlanTests.row(ids, trainedFrom: ids.count / 2)
      }
      microBatchSize = Int.random(in: 1...5, using: &random)
      accumulationSteps = Int.random(in: 1...4, using: &random)
      tokenBudget = Bool.random(using: &random) ? microBatchSize * 56 : nil
      shuffle = Bool.random(using: &random)
    }

    func plan(sharing: Bool, grouping: Bool = false) -> BatchPlan {
      BatchPlan(
        lengths: rows.map(\.ids.count), microBatchSize: microBatchSize,
        accumulationSteps: accumulationSteps, tokenBudget: tokenBudget, shuffle: shuffle, seed: 7,
        beginnings: sharing ? RowBeginnings(rows: rows) : nil, grouping: grouping)
    }

    func batch(_ rows: [Int], sharing: Bool) -> TokenBatch {
      TokenBatch(rows: rows.map { self.rows[$0] }, sharingPrefixes: sharing)
    }
  }

  @Test(arguments: 0..<60) func aStepHasTheSameRowsWithAndWithoutSharing(seed: UInt64) {
    let drawn = Drawn(seed: seed)
    let (off, auto) = (drawn.plan(sharing: false), drawn.plan(sharing: true))
    for epoch in 0..<3 {
      let (before, steps) = (off.steps(epoch: epoch), auto.steps(epoch: epoch))
      #expect(steps.count == before.count && auto.stepCount(epoch: epoch) == steps.count)
      for (step, other) in zip(steps, before) {
        #expect(step.microBatches.joined().sorted() == other.microBatches.joined().sorted())
        #expect(step.epochsDone == other.epochsDone)
        if drawn.tokenBudget == nil {
          #expect(step.microBatches.map(\.count) == other.microBatches.map(\.count))
        }
        func tokens(_ microBatches: [[Int]]) -> Int {
          microBatches.reduce(0) { $0 + drawn.batch($1, sharing: true).tokens }
        }
        #expect(tokens(step.microBatches) <= tokens(other.microBatches))
      }
    }
  }

  @Test(arguments: 0..<60, [false, true])
  func everyRowIsSeenOnceAnEpochWithinTheBudget(seed: UInt64, grouping: Bool) {
    let drawn = Drawn(seed: seed)
    let plan = drawn.plan(sharing: true, grouping: grouping)
    for epoch in 0..<3 {
      let microBatches = plan.steps(epoch: epoch).flatMap(\.microBatches)
      #expect(plan.steps(epoch: epoch).flatMap(\.microBatches) == microBatches)
      #expect(microBatches.joined().sorted() == Array(drawn.rows.indices))
      for rows in microBatches {
        #expect(plan.computedTokens(rows) == drawn.batch(rows, sharing: true).tokens)
        let tokens = drawn.batch(rows, sharing: false).tokens
        if let budget = drawn.tokenBudget {
          #expect(tokens <= budget || rows.count == 1)
        } else {
          #expect(rows.count <= drawn.microBatchSize)
        }
      }
    }
  }

  /// Twenty documents with four questions each: kept together, three of four readings are saved.
  @Test func groupedRowsMeet() {
    var random = SplitMix64(seed: 3)
    let rows = (0..<20).flatMap { _ -> [TokenRow] in
      let document = random.integers(100, in: 0..<50)
      return (0..<4).map { _ in
        let ids = document + random.integers(5, in: 0..<50)
        return Self.row(ids, trainedFrom: 103)
      }
    }
    func tokens(grouping: Bool) -> Int {
      let plan = BatchPlan(
        lengths: rows.map(\.ids.count), microBatchSize: 4, accumulationSteps: 1, tokenBudget: nil,
        shuffle: true, seed: 1, beginnings: RowBeginnings(rows: rows), grouping: grouping)
      return plan.steps(epoch: 0).flatMap(\.microBatches).reduce(0) {
        $0 + plan.computedTokens($1)
      }
    }
    #expect(tokens(grouping: true) <= 20 * (100 + 4 * 5))
    #expect(tokens(grouping: false) > 60 * 105)
  }

  /// Rows of one large family are not all seen before the others.
  @Test func aLargeGroupIsSpreadOverTheEpoch() {
    let rows = (0..<400).map { row -> TokenRow in
      let ids = [Int32](repeating: Int32(row % 2), count: 60) + [Int32(row)]
      return Self.row(ids, trainedFrom: ids.count)
    }
    let plan = BatchPlan(
      lengths: rows.map(\.ids.count), microBatchSize: 4, accumulationSteps: 1, tokenBudget: nil,
      shuffle: true, seed: 1, beginnings: RowBeginnings(rows: rows), grouping: true)
    let batches = plan.steps(epoch: 0).flatMap(\.microBatches)
    #expect(batches.allSatisfy { Set($0.map { $0 % 2 }).count == 1 })
    let half = batches.prefix(50).joined().count { $0 % 2 == 0 }
    #expect((60...140).contains(half))
  }
}
