import Formats
import Model
import Tensors
import TestSupport
import Testing
import Training

/// Families beside Llama against what PyTorch + PEFT computed in float64 (scripts/golden/families.py).
@Suite struct GoldenFamilyTests {
  @Test(arguments: GoldenModel.families) func logitsOfEveryPrefixMatch(family: String) throws {
    let golden = try GoldenModel("families/\(family)")
    let model = try golden.model()
    let ids = golden.rows[0].ids
    // Else earlier tokens would have been rotated as those of a shorter text.
    if model.specification.rotationsAgree(upTo: ids.count) {
      try golden.expectLogitsOfEveryPrefix(of: model, within: 1e-5)
    }
    let expected = try golden.tensor("base_logits")
    let whole = KeyValueCache(model.specification, capacity: ids.count)
    let last = model.nextLogits(ids, adapters: nil, cache: whole).toArray(Float.self)
    expectClose(
      last, expected.rows(ids.count - 1..<ids.count).toArray(Float.self), absolute: 1e-5,
      relative: 1e-5)
  }

  @Test(arguments: GoldenModel.families, [false, true])
  func lossAndGradientsMatch(family: String, checkpointing: Bool) throws {
    let golden = try GoldenModel("families/\(family)")
    let (model, adapters) = (try golden.model(), try golden.adapters())
    let loss = Tensor.zeros([1], .float64)
    model.accumulateGradients(
      TokenBatch(rows: golden.rows), adapters: adapters, objective: SupervisedObjective(),
      gradientScale: 1 / Double(golden.trainedTokens), loss: loss, checkpointing: checkpointing,
      dropout: nil)
    expectClose(
      [loss.scalar / Double(golden.trainedTokens)], [golden.losses[0]], absolute: 0, relative: 1e-5)
    #expect(
      adapters.modules.count == golden.files.specification.linears.count { $0.expert == nil }
        - (family == "qwen3-moe" ? 3 : 0), "PEFT was asked for attention only")
    for parameter in adapters.parameters {
      let expected = try golden.tensor("gradient." + parameter.name).toArray(Float.self)
      expectClose(
        parameter.gradient.toArray(Float.self), expected, absolute: 2e-6, relative: 1e-4,
        parameter.name)
    }
  }

  /// But for one whose rotation changes with every token.
  @Test(arguments: GoldenModel.families.filter { $0 != "llama-dynamic" })
  func continuesGreedily(family: String) throws {
    let golden = try GoldenModel("families/\(family)")
    let model = try golden.model()
    func answer(_ adapters: AdapterSet?) -> [Int32] {
      model.generate(
        prompt: golden.greedy.prompt, adapters: adapters, maxNewTokens: golden.greedy.base.count,
        sampler: TokenSampler(temperature: 0), stopTokens: [])
    }
    #expect(answer(nil) == golden.greedy.base)
    #expect(answer(try golden.adapters()) == golden.greedy.adapted)
    #expect(golden.greedy.base.count >= 8)
  }

  /// In bfloat16 and NF4 the same lines run on other kernels: the loss stays near, gradients point the
  /// same way, recomputing changes no bit.
  @Test(
    arguments: GoldenModel.families,
    [WeightStorage(.bfloat16), WeightStorage(.bfloat16, quantization: .nf4)])
  func lowerPrecisionStaysNear(family: String, storage: WeightStorage) throws {
    let golden = try GoldenModel("families/\(family)")
    let model = try CausalLM.load(golden.files, storage: storage)
    func run(checkpointing: Bool) throws -> (loss: Double, gradients: [[Float]]) {
      let adapters = try golden.adapters()
      let loss = Tensor.zeros([1], .float64)
      model.accumulateGradients(
        TokenBatch(rows: golden.rows), adapters: adapters, objective: SupervisedObjective(),
        gradientScale: 1 / Double(golden.trainedTokens), loss: loss, checkpointing: checkpointing,
        dropout: nil)
      return (
        loss.scalar / Double(golden.trainedTokens),
        adapters.parameters.map { $0.gradient.toArray(Float.self) }
      )
    }
    let (kept, again) = (try run(checkpointing: false), try run(checkpointing: true))
    #expect(kept.gradients == again.gradients && kept.loss == again.loss)
    let isQuantized = storage.quantization != nil
    #expect(abs(kept.loss / golden.losses[0] - 1) < (isQuantized ? 0.1 : 0.01))
    guard !isQuantized else { return }
    for (parameter, gradient) in zip(try golden.adapters().parameters, kept.gradients) {
      let expected = try golden.tensor("gradient." + parameter.name).toArray(Float.self)
      #expect(cosine(gradient, expected) > 0.99, "\(parameter.name)")
    }
  }

  private func cosine(_ a: [Float], _ b: [Float]) -> Double {
    func dot(_ a: [Float], _ b: [Float]) -> Double {
      zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
  }

  /// Merging writes the stored form: weights of norms stay centred where the family has them so.
  @Test(arguments: GoldenModel.families) func writesWhatItReads(family: String) throws {
    let golden = try GoldenModel("families/\(family)")
    let folder = try TemporaryDirectory()
    let path = folder.path("out")
    try HuggingFaceDirectoryWriter(source: golden.files).write(
      to: path, groups: golden.files.tensorGroups(as: .float32), type: .float32)
    let written = try PretrainedFiles.open(path)
    #expect(written.specification == golden.files.specification)
    for site in written.specification.sites {
      let (a, b) = (try written.tensor(site), try golden.files.tensor(site))
      #expect(a.toArray(Float.self) == b.toArray(Float.self), "\(site.name)")
    }
  }
}
