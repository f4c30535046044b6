import Model
import Tensors
import TestSupport
import Testing
import Training

/// Tokens that count more or less than 1 in the loss.
@Suite struct WeightedTokensTests {
  typealias Result = (loss: Double, gradients: [[Float]])

  /// The step's loss and its gradients, in one or several batches.
  private func step(_ batches: [TokenBatch], _ storage: WeightStorage = WeightStorage(.float32))
    throws -> Result
  {
    let golden = try GoldenModel("families/qwen3")
    let model = try CausalLM.load(golden.files, storage: storage)
    let adapters = try golden.adapters()
    let objective = SupervisedObjective()
    let (sum, denominator) = (Tensor.zeros([1], .float64), objective.denominator(batches))
    for batch in batches {
      model.accumulateGradients(
        batch, adapters: adapters, objective: objective, gradientScale: 1 / denominator, loss: sum,
        checkpointing: false, dropout: nil)
    }
    return (
      sum.scalar / denominator, adapters.parameters.map { $0.gradient.toArray(Float.self) }
    )
  }

  private func expectClose(
    _ result: Result, _ expected: Result, gradients tolerance: Double = 1e-5
  ) {
    TestSupport.expectClose([result.loss], [expected.loss], absolute: 0, relative: 1e-6)
    for (gradient, other) in zip(result.gradients, expected.gradients) {
      let largest = Double(other.reduce(0) { max($0, abs($1)) })
      TestSupport.expectClose(
        gradient, other, absolute: tolerance * largest, relative: tolerance)
    }
  }

  private static let rows: [TokenRow] = {
    var random = SplitMix64(seed: 5)
    return [(20, 3), (31, 25), (9, 1), (26, 20)].map {
      RowBeginningsTests.row(random.integers($0.0, in: 3..<380), trained: $0.1)
    }
  }()

  private static func weighted(_ row: TokenRow, _ weight: (Int) -> Float) -> TokenRow {
    TokenRow(ids: row.ids, labels: row.labels, weights: row.ids.indices.map(weight))
  }

  @Test func aWeightOfThreeIsTheRowThreeTimes() throws {
    let rows = Self.rows
    let weighted = TokenBatch(rows: [Self.weighted(rows[0]) { _ in 3 }, rows[1]])
    let repeated = TokenBatch(rows: [rows[0], rows[0], rows[0], rows[1]])
    #expect(weighted.trainedWeight == Double(repeated.trainedTokens))
    expectClose(try step([weighted]), try step([repeated]))
  }

  @Test func aFactorOfAllWeightsChangesNothing() throws {
    let halves = Self.rows.map { row in Self.weighted(row) { _ in 0.5 } }
    expectClose(try step([TokenBatch(rows: halves)]), try step([TokenBatch(rows: Self.rows)]))
    let ones = TokenBatch(rows: Self.rows.map { row in Self.weighted(row) { _ in 1 } })
    #expect(ones.targetWeights == nil)
  }

  /// What counts nothing is not a target; the rest is as if it stood there alone.
  @Test func aWeightOfZeroIsNoTarget() throws {
    let row = Self.rows[1]
    let weighted = TokenBatch(rows: [Self.weighted(row) { $0 < 28 ? 0 : 1 }])
    let masked = TokenBatch(rows: [RowBeginningsTests.row(row.ids, trained: 28)])
    #expect(weighted.trainedTokens == 3 && weighted.targetWeights == nil)
    #expect(weighted.selection?.places.toArray(Int32.self) == [27, 28, 29])
    let (result, expected) = (try step([weighted]), try step([masked]))
    #expect(result.loss == expected.loss && result.gradients == expected.gradients)
  }

  /// The loss is linear in the weights, token by token, however rows are put into batches, in both types.
  @Test(arguments: [ComputeType.float32, .bfloat16])
  func weightsOfSingleTokensAreHonoured(compute: ComputeType) throws {
    let storage = WeightStorage(compute)
    var random = SplitMix64(seed: 8)
    let rows = Self.rows.map { row in
      let weights = random.floats(row.ids.count, in: 0...4)
      return Self.weighted(row) { weights[$0] }
    }
    var (loss, weight) = (0.0, 0.0)
    for row in rows {
      for place in row.ids.indices.dropFirst() where row.labels[place] >= 0 {
        let labels = row.ids.indices.map { $0 == place ? row.labels[$0] : TokenBatch.ignoredLabel }
        let single = try step([TokenBatch(rows: [(row.ids, labels)])], storage)
        loss += Double(row.weights?[place] ?? 0) * single.loss
        weight += Double(row.weights?[place] ?? 0)
      }
    }
    let together = try step([TokenBatch(rows: rows)], storage)
    TestSupport.expectClose(
      [together.loss], [loss / weight], absolute: 0, relative: compute == .float32 ? 1e-6 : 2e-3)
    guard compute == .float32 else { return }
    let apart = try step(rows.map { TokenBatch(rows: [$0]) })
    expectClose(apart, together)
  }

  @Test func rowsThatShareABeginningKeepTheirWeights() throws {
    var random = SplitMix64(seed: 9)
    let rows = SharedPrefixTests.rows.map { row in
      let weights = random.floats(row.ids.count, in: 0...2)
      return Self.weighted(row) { weights[$0] }
    }
    let shared = TokenBatch(rows: rows, sharingPrefixes: true)
    #expect(shared.tokens < shared.rowTokens)
    expectClose(try step([shared]), try step([TokenBatch(rows: rows)]))
  }
}
