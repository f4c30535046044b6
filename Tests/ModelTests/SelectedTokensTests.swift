import Model
import Tensors
import TestSupport
import Testing
import Training

/// The last layer of few tokens against that of all.
@Suite struct SelectedTokensTests {
  /// Computes every token and then looks at some of the targets.
  struct Masked: Objective {
    let targets: Tensor

    func denominator(_ batches: [TokenBatch]) -> Double { 1 }

    func apply(
      _ hidden: Tensor, batch: TokenBatch, head: OutputHead, gradientScale: Double,
      into dHidden: Tensor?, loss: Tensor, workspace: Workspace
    ) {
      Kernels.linearCrossEntropy(
        hidden: hidden, weight: head.weight, labels: targets, softCap: head.softCap,
        gradientScale: gradientScale, loss: loss, dHidden: dHidden, workspace: workspace)
    }
  }

  typealias Row = (ids: [Int32], labels: [Int32])

  static let ignored = TokenBatch.ignoredLabel

  /// Three rows with labels here and there; the first has none.
  static let rows: [Row] = {
    var random = SplitMix64(seed: 4)
    return [17, 40, 33].map { length in
      let ids = random.integers(length, in: 3..<380)
      return (
        ids, ids.enumerated().map { length > 17 && $0 % 5 < 2 || $0 == 30 ? $1 : ignored }
      )
    }
  }()

  struct Result: Equatable {
    var loss: Double
    var gradients: [[Float]]
  }

  private func run(
    _ subject: SharedPrefixTests.Subject, _ batch: TokenBatch, _ objective: any Objective,
    storage: WeightStorage = WeightStorage(.float32), layers: ClosedRange<Int> = 0...9,
    checkpointing: Bool = false, dropout: DropoutKey? = nil, evaluating: Bool = false
  ) throws -> Result {
    let model = try CausalLM.load(subject.files, storage: storage)
    let all = try subject.adapters(dropout: dropout == nil ? 0 : 0.3)
    let adapters = AdapterSet(
      method: all.method, modules: all.modules.filter { layers.contains($0.site.layer ?? 0) })
    for module in all.modules where !layers.contains(module.site.layer ?? 0) {
      module.adapter.parameters[1].value.fillWithZeros()
    }
    let loss = Tensor.zeros([1], .float64)
    if evaluating {
      model.accumulateLoss(batch, adapters: adapters, objective: objective, loss: loss)
    } else {
      model.accumulateGradients(
        batch, adapters: adapters, objective: objective, gradientScale: 0.1, loss: loss,
        checkpointing: checkpointing, dropout: dropout)
    }
    return Result(
      loss: loss.scalar, gradients: adapters.parameters.map { $0.gradient.toArray(Float.self) })
  }

  /// The same rows and targets where every token comes out of the last layer.
  private func whole(_ rows: [Row]) -> (batch: TokenBatch, objective: Masked) {
    let targets = rows.flatMap { $0.labels.dropFirst() + [Self.ignored] }
    let batch = TokenBatch(rows: rows.map { ($0.ids, $0.ids) })
    precondition(batch.selection == nil)
    return (batch, Masked(targets: Tensor.from(targets, .int32)))
  }

  private func expectClose(_ result: Result, _ expected: Result) {
    TestSupport.expectClose([result.loss], [expected.loss], absolute: 0, relative: 1e-6)
    for (gradient, other) in zip(result.gradients, expected.gradients) {
      let largest = Double(other.reduce(0) { max($0, abs($1)) })
      TestSupport.expectClose(gradient, other, absolute: 1e-5 * largest, relative: 1e-5)
    }
  }

  @Test(arguments: SharedPrefixTests.models, [false, true])
  func lossAndGradientsAreThoseOfAllTokens(name: String, checkpointing: Bool) throws {
    let subject = try SharedPrefixTests.Subject(name)
    let batch = TokenBatch(rows: Self.rows)
    #expect(batch.selection?.count == batch.trainedTokens && batch.trainedTokens < 40)
    let (all, masked) = whole(Self.rows)
    // Also where backward ends in the last layer.
    for layers in [0...1, 1...1] {
      let expected = try run(subject, all, masked, layers: layers)
      let result = try run(
        subject, batch, SupervisedObjective(), layers: layers, checkpointing: checkpointing)
      expectClose(result, expected)
      #expect(result.gradients.contains { $0.contains { $0 != 0 } })
    }
    let loss = try run(subject, batch, SupervisedObjective(), evaluating: true).loss
    #expect(abs(loss / (try run(subject, all, masked).loss) - 1) < 1e-6)
  }

  @Test(arguments: [0, 5, 39]) func oneTargetIsEnough(place: Int) throws {
    let subject = try SharedPrefixTests.Subject("families/qwen3")
    let ids = Self.rows[1].ids
    let rows = [(ids, ids.enumerated().map { $0 == place ? $1 : Self.ignored })]
    let (all, masked) = whole(rows)
    let batch = TokenBatch(rows: rows)
    #expect(batch.selection?.count == (place == 0 ? nil : 1), "the first token is no target")
    let result = try run(subject, batch, SupervisedObjective())
    expectClose(result, try run(subject, all, masked))
  }

  /// Rounding to bfloat16 moves the result no further from float32 than where all tokens are computed.
  @Test(arguments: SharedPrefixTests.models) func lowerPrecisionStaysAsNear(name: String) throws {
    let subject = try SharedPrefixTests.Subject(name)
    let (all, masked) = whole(Self.rows)
    let exact = try run(subject, all, masked)
    func distance(_ batch: TokenBatch, _ objective: any Objective) throws -> Double {
      let result = try run(subject, batch, objective, storage: WeightStorage(.bfloat16))
      #expect(abs(result.loss / exact.loss - 1) < 0.005)
      let pairs = zip(result.gradients.joined(), exact.gradients.joined())
      let (wrong, size) = pairs.reduce((0.0, 0.0)) { sum, pair in
        let (d, e) = (Double(pair.0) - Double(pair.1), Double(pair.1))
        return (sum.0 + d * d, sum.1 + e * e)
      }
      return (wrong / size).squareRoot()
    }
    let own = try distance(TokenBatch(rows: Self.rows), SupervisedObjective())
    let other = try distance(all, masked)
    #expect(own < 1.3 * other && own < 0.05, "\(own), all tokens \(other)")
  }

  @Test(arguments: [ComputeType.float32, .bfloat16])
  func checkpointingAndThreadsChangeNoBitUnderDropout(compute: ComputeType) throws {
    let subject = try SharedPrefixTests.Subject("families/gemma2")
    let batch = TokenBatch(rows: Self.rows)
    func gradients(checkpointing: Bool) throws -> Result {
      try run(
        subject, batch, SupervisedObjective(), storage: WeightStorage(compute),
        checkpointing: checkpointing, dropout: DropoutKey(seed: 1, step: 2, microBatch: 0))
    }
    let expected = try gradients(checkpointing: false)
    #expect(try gradients(checkpointing: true) == expected)
    defer { Kernels.setThreads(Kernels.defaultThreads) }
    for threads in [1, 3, 16] {
      Kernels.setThreads(threads)
      #expect(try gradients(checkpointing: false) == expected)
    }
    #expect(try run(subject, batch, SupervisedObjective()).gradients != expected.gradients)
  }
}
