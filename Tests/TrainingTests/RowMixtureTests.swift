import Testing

@testable import Training

/// How often rows are seen, by weights and numbers of samples.
@Suite struct RowMixtureTests {
  /// Rows 0..<a of the first source, the b after them of the second.
  private func mixture(
    _ a: Int, _ b: Int, _ shares: RowMixture.Share?..., seed: UInt64 = 3
  ) -> RowMixture {
    RowMixture(
      sources: [Int](repeating: 0, count: a) + [Int](repeating: 1, count: b), shares: shares,
      seed: seed)
  }

  private func counts(_ rows: [Int], of count: Int) -> [Int] {
    var counts = [Int](repeating: 0, count: count)
    for row in rows { counts[row] += 1 }
    return counts
  }

  @Test func aHalfIsAnotherHalfInTheNextEpoch() {
    let mixture = mixture(10, 4, .weight(0.5), nil)
    let epochs = (0..<4).map { mixture.rows(epoch: $0)[0] }
    #expect(epochs.allSatisfy { $0.count == 5 && Set($0).count == 5 })
    for pair in [0, 2] { #expect((epochs[pair] + epochs[pair + 1]).sorted() == Array(0..<10)) }
    #expect(mixture.rows(epoch: 0)[1] == [10, 11, 12, 13])
  }

  @Test func aWholeWeightIsEachRowThatOften() {
    let rows = mixture(7, 3, .weight(3), nil).rows(epoch: 5)
    #expect(counts(rows[0], of: 7) == [Int](repeating: 3, count: 7))
    #expect(rows[0].prefix(7).elementsEqual(0..<7))
  }

  @Test(arguments: [0.29, 0.4, 1.7, 2.25]) func overEpochsAllAreSeenEquallyOften(weight: Double) {
    let mixture = mixture(25, 1, .weight(weight), nil)
    var seen = [Int](repeating: 0, count: 25)
    for epoch in 0..<40 {
      let now = counts(mixture.rows(epoch: epoch)[0], of: 25)
      // Within an epoch no row is seen twice before all were.
      #expect((now.max() ?? 0) - (now.min() ?? 0) <= 1)
      seen = zip(seen, now).map(+)
      #expect((seen.max() ?? 0) - (seen.min() ?? 0) <= 1)
    }
    #expect(seen.reduce(0, +) == Int((40 * 25 * weight).rounded()))
  }

  @Test func samplesAreDrawnWithoutPuttingBack() {
    let mixture = mixture(6, 10, .samples(4), .samples(25))
    let rows = mixture.rows(epoch: 0)
    #expect(Set(rows[0]).count == 4 && rows[0] == rows[0].sorted())
    #expect(rows[1].count == 25)
    // All ten twice, then five.
    #expect(Set(rows[1][0..<10]).count == 10 && Set(rows[1][20...]).count == 5)
    #expect(mixture.rows(epoch: 0) == rows && mixture.rows(epoch: 1) != rows)
    #expect(self.mixture(6, 10, .samples(4), .samples(25), seed: 4).rows(epoch: 0) != rows)
  }

  @Test func everyEpochSeesSomething() {
    let mixture = mixture(10, 10, .weight(0.01), .weight(0.001))
    #expect((0..<20).allSatisfy { mixture.rows(epoch: $0).map(\.count) == [1, 1] })
  }

  @Test func sourcesAreMixedEvenly() {
    let mixture = mixture(12, 4, .weight(0.5), .weight(3))
    let order = mixture.interleaved(epoch: 0).map { $0 < 12 ? "a" : "b" }
    // Six of one and twelve of the other: every third.
    #expect(order.count == 18)
    for start in stride(from: 0, to: 18, by: 3) {
      #expect(order[start..<start + 3].count { $0 == "a" } == 1)
    }
  }

  private func plan(_ mixture: RowMixture?, shuffle: Bool) -> BatchPlan {
    BatchPlan(
      lengths: [Int](repeating: 5, count: 14), microBatchSize: 3, accumulationSteps: 2,
      tokenBudget: nil, shuffle: shuffle, seed: 3, mixture: mixture)
  }

  @Test(arguments: [false, true]) func stepsHaveTheRowsOfTheEpoch(shuffle: Bool) {
    let mixture = mixture(10, 4, .weight(0.5), .samples(9))
    let plan = plan(mixture, shuffle: shuffle)
    for epoch in 0..<4 {
      let steps = plan.steps(epoch: epoch)
      #expect(steps.count == plan.stepCount(epoch: epoch))
      let rows = steps.flatMap { $0.microBatches.joined() }
      #expect(rows.sorted() == mixture.rows(epoch: epoch).joined().sorted())
      #expect(rows == plan.order(epoch: epoch))
      #expect(steps.allSatisfy { $0.computedTokens == $0.microBatches.map { 5 * $0.count } })
    }
    #expect(plan.order(epoch: 0) != plan.order(epoch: 1))
  }
}
