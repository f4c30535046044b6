import Formats
import Model
import Tensors
import TestSupport
import Testing
import Training

/// The tiny Llama of Tests/Golden against what PyTorch + PEFT computed in float64.
@Suite struct GoldenModelTests {
  let golden: GoldenModel

  init() throws { golden = try GoldenModel() }

  @Test func logitsOfEveryPrefixMatch() throws {
    try golden.expectLogitsOfEveryPrefix(of: golden.model(), within: 2e-5)
  }

  @Test func promptAtOnceEqualsTokenByToken() throws {
    let model = try golden.model()
    let ids = golden.rows[0].ids
    let cache = KeyValueCache(model.specification, capacity: ids.count)
    let logits = model.nextLogits(ids, adapters: nil, cache: cache).toArray(Float.self)
    let expected = try golden.tensor("base_logits").rows(ids.count - 1..<ids.count)
    expectClose(logits, expected.toArray(Float.self), absolute: 2e-5, relative: 2e-5)
  }

  @Test(arguments: [false, true])
  func lossAndGradientsMatch(checkpointing: Bool) throws {
    let (model, adapters) = (try golden.model(), try golden.adapters())
    let loss = Tensor.zeros([1], .float64)
    model.accumulateGradients(
      TokenBatch(rows: golden.rows), adapters: adapters, objective: SupervisedObjective(),
      gradientScale: 1 / Double(golden.trainedTokens), loss: loss,
      checkpointing: checkpointing, dropout: nil)
    expectClose(
      [loss.scalar / Double(golden.trainedTokens)], [golden.losses[0]], absolute: 0, relative: 1e-6)
    for parameter in adapters.parameters {
      let expected = try golden.tensor("gradient." + parameter.name).toArray(Float.self)
      expectClose(
        parameter.gradient.toArray(Float.self), expected, absolute: 1e-6, relative: 1e-4,
        parameter.name)
    }
  }

  @Test func checkpointingChangesNoBit() throws {
    let kept = try golden.gradients(checkpointing: false, batches: [golden.rows])
    let recomputed = try golden.gradients(checkpointing: true, batches: [golden.rows])
    #expect(kept == recomputed)
  }

  /// Rows packed into one flat batch must not see each other, and accumulation must not change sums.
  @Test func packedRowsEqualSeparateRows() throws {
    let packed = try golden.gradients(checkpointing: false, batches: [golden.rows])
    let separate = try golden.gradients(
      checkpointing: false, batches: golden.rows.filter { $0.ids.count > 1 }.map { [$0] })
    for (a, b) in zip(packed, separate) { expectClose(a, b, absolute: 1e-6, relative: 1e-4) }
  }

  @Test(arguments: [1, 2, 3, 16])
  func threadsChangeNoBit(threads: Int) throws {
    let expected = try golden.gradients(checkpointing: false, batches: [golden.rows])
    Kernels.setThreads(threads)
    defer { Kernels.setThreads(Kernels.defaultThreads) }
    #expect(try golden.gradients(checkpointing: false, batches: [golden.rows]) == expected)
  }

  @Test func evaluationEqualsTrainingLoss() throws {
    let (model, adapters) = (try golden.model(), try golden.adapters())
    let loss = Tensor.zeros([1], .float64)
    for row in golden.rows {
      model.accumulateLoss(
        TokenBatch(rows: [row]), adapters: adapters, objective: SupervisedObjective(), loss: loss)
    }
    expectClose(
      [loss.scalar / Double(golden.trainedTokens)], [golden.losses[0]], absolute: 0, relative: 1e-6)
  }

  /// With adapters on the upper layer only, the lower one needs no backward pass: the gradients of
  /// the upper one must not change.
  @Test func lowerLayersWithoutAdaptersAreSkipped() throws {
    let (model, adapters) = (try golden.model(), try golden.adapters())
    let upper = AdapterSet(
      method: adapters.method, modules: adapters.modules.filter { $0.site.layer == 1 })
    // B = 0 takes the lower adapters' effect away without taking them off.
    for module in adapters.modules where module.site.layer == 0 {
      module.adapter.parameters[1].value.fillWithZeros()
    }
    func upperGradients(_ acting: AdapterSet) -> [[Float]] {
      for parameter in adapters.parameters { parameter.gradient.fillWithZeros() }
      model.accumulateGradients(
        TokenBatch(rows: golden.rows), adapters: acting, objective: SupervisedObjective(),
        gradientScale: 1, loss: Tensor.zeros([1], .float64), checkpointing: false, dropout: nil)
      return upper.parameters.map { $0.gradient.toArray(Float.self) }
    }
    #expect(upperGradients(upper) == upperGradients(adapters))
  }

  /// Kernels look ids up unchecked, so a batch is checked before.
  @Test func anIDBeyondTheVocabularyTraps() async {
    await #expect(processExitsWith: .failure) {
      let golden = try GoldenModel()
      let model = try golden.model()
      let id = Int32(model.specification.vocabularySize)
      model.accumulateLoss(
        TokenBatch(rows: [([1, id], [1, id])]), adapters: nil, objective: SupervisedObjective(),
        loss: Tensor.zeros([1], .float64))
    }
    await #expect(processExitsWith: .failure) { _ = TokenBatch(rows: [([1, -2], [1, 1])]) }
  }
}
