import Formats
import Model
import Tensors
import TestSupport
import Testing

@testable import Export

/// Mixtures of experts in GGUF files: all experts of a layer are one tensor there.
@Suite struct ExpertsExportTests {
  let directory: TemporaryDirectory
  let path: String

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.path("out.gguf")
  }

  /// A mixture that llama.cpp has: the golden Mixtral, or a Qwen3-MoE of drawn weights with experts in all
  /// layers.
  private func model(_ family: String) throws -> String {
    let base = goldenPath("families/\(family)")
    guard family == "qwen3-moe" else { return base }
    let model = directory.path(family)
    try createDirectory(model)
    for name in ["tokenizer.json", "tokenizer_config.json"] {
      try writeFile("\(model)/\(name)", bytes: try readFile("\(base)/\(name)"))
    }
    var config = try readJSON("\(base)/config.json")
    config.set("mlp_only_layers", [])
    config.set("norm_topk_prob", true)
    try writeFile("\(model)/config.json", config.text())
    var random = SplitMix64(seed: 12)
    let sites = try ModelConfiguration(config, path: model).specification.sites
    let weights = sites.map { site in
      let values = random.floats(site.count, in: -0.3...0.3)
      return SafetensorsWriter.Source(name: site.name, dtype: "F32", shape: site.shape) { emit in
        try values.withUnsafeBytes { try emit($0) }
      }
    }
    try SafetensorsWriter.write("\(model)/model.safetensors", tensors: weights)
    return model
  }

  private func export(
    _ model: String, _ type: GGUFModelType = .f32, adapter: String? = nil
  ) throws {
    var settings = Exporter.Settings(model: model, format: .gguf, output: path)
    settings.type = type
    settings.adapter = adapter
    try Exporter(settings).run()
  }

  @Test(arguments: ["mixtral", "qwen3-moe"]) func isReadBack(family: String) throws {
    let model = try model(family)
    try export(model)
    let (written, source) = (try PretrainedFiles.open(path), try PretrainedFiles.open(model))
    #expect(written.specification == source.specification)
    for site in source.specification.sites {
      let (actual, expected) = (try written.tensor(site), try source.tensor(site))
      #expect(actual.toArray(Float.self) == expected.toArray(Float.self), "\(site.name)")
    }
    let logits = try [written, source].map { files in
      let model = try CausalLM.load(files)
      let cache = KeyValueCache(model.specification, capacity: 5)
      return model.nextLogits([5, 6, 7, 8, 9], adapters: nil, cache: cache).toArray(Float.self)
    }
    #expect(logits[0] == logits[1])
  }

  @Test func stacksTheExpertsOfALayer() throws {
    try export(try model("mixtral"), .q8_0)
    let file = try GGUFFile(path)
    #expect(file.metadata["llama.expert_count"] == .integer(4))
    #expect(file.metadata["llama.expert_used_count"] == .integer(2))
    #expect(file.tensors["blk.1.ffn_gate_exps.weight"]?.shape == [4, 24, 32])
    #expect(file.tensors["blk.1.ffn_down_exps.weight"]?.shape == [4, 32, 24])
    #expect(file.tensors["blk.1.ffn_up_exps.weight"]?.type == .q8_0)
    #expect(file.tensors["blk.1.ffn_gate_inp.weight"]?.type == .f32)
    // Each expert comes from its own slice of the blocks.
    let (written, source) = (
      try PretrainedFiles.open(path), try PretrainedFiles.open(goldenPath("families/mixtral"))
    )
    for site in source.specification.sites where site.expert != nil {
      let (actual, expected) = (try written.tensor(site), try source.tensor(site))
      let largest = expected.toArray(Float.self).reduce(0) { max($0, abs($1)) }
      expectClose(
        actual.toArray(Float.self), expected.toArray(Float.self), absolute: Double(largest) / 100,
        relative: 0, site.name)
    }
  }

  @Test func refusesWhatLlamaCppCannotCompute() throws {
    let problem = #expect(throws: Problem.self) {
      try export(goldenPath("families/qwen3-moe"))
    }
    #expect(problem?.description.contains("layers without experts") == true)
    #expect(problem?.description.contains("not divided by their sum") == true)
  }

  /// The number of experts that the file names is that of its tensors.
  @Test func refusesAnotherNumberOfExperts() throws {
    try export(try model("mixtral"))
    var bytes = try readFile(path)
    let key = Array("llama.expert_count".utf8)
    let place = try #require(bytes.indices.first { bytes[$0...].starts(with: key) })
    bytes[place + key.count + 4] = 5
    try writeFile(path, bytes: bytes)
    let problem = #expect(throws: Problem.self) {
      _ = try CausalLM.load(PretrainedFiles.open(path))
    }
    #expect(problem?.description.contains("[4, 24, 32]") == true, "\(String(describing: problem))")
  }

  @Test func namesTheFormOfOlderFiles() throws {
    try GGUFWriter.write(
      path,
      metadata: [
        ("general.architecture", .string("llama")), ("llama.expert_count", .uint32(2)),
      ],
      tensors: [
        .init(.init("blk.0.ffn_gate.0.weight", .f32, [1, 1])) { emit in
          try [UInt8](repeating: 0, count: 4).withUnsafeBytes { try emit($0) }
        }
      ])
    let problem = #expect(throws: Problem.self) { _ = try ModelConfiguration(GGUFFile(path)) }
    #expect(problem?.description.contains("are tensors of their own") == true)
  }

  // MARK: Adapters

  /// Pairs on the experts' down projections, of these ranks for the experts of each layer.
  private func adapters(_ files: PretrainedFiles, ranks: [Int]) -> AdapterSet {
    let sites = files.specification.sites.filter { $0.module.hasSuffix("w2") }
    var random = SplitMix64(seed: 3)
    let modules = sites.compactMap { site -> AdapterSet.Module? in
      guard let expert = site.expert, expert < ranks.count else { return nil }
      let rank = ranks[expert]
      let a = random.floats(rank * site.inputs)
      let b = random.floats(site.outputs * rank)
      return AdapterSet.Module(
        site: site,
        adapter: LoRA(
          a: Parameter(name: "A", value: .from(a, shape: [rank, site.inputs], .float32)),
          b: Parameter(name: "B", value: .from(b, shape: [site.outputs, rank], .float32)),
          alpha: 4, scale: 4 / Float(rank), dropout: 0, site: site.id))
    }
    let method = LoRAConfiguration(rank: 2, alpha: 4, targetModules: [], baseModel: "b")
    return AdapterSet(method: method, modules: modules)
  }

  @Test func stacksThePairsOfExperts() throws {
    let files = try PretrainedFiles.open(try model("mixtral"))
    let adapters = adapters(files, ranks: [2, 2, 2, 2])
    try GGUFAdapterWriter(adapters, on: files.configuration, type: .f32, path: "adapter")
      .write(to: path)
    let file = try GGUFFile(path)
    let name = "blk.1.ffn_down_exps.weight"
    #expect(file.tensors["\(name).lora_a"]?.shape == [4, 2, 24])
    #expect(file.tensors["\(name).lora_b"]?.shape == [4, 32, 2])
    let stored = file.withBytes(of: "\(name).lora_b") { Array($0.bindMemory(to: Float.self)) }
    let layer = adapters.modules.filter { $0.site.layer == 1 }.compactMap { $0.adapter as? LoRA }
    #expect(stored == layer.flatMap { $0.b.value.toArray(Float.self) })
  }

  @Test(arguments: [[2, 2, 2], [2, 2, 4, 2]]) func refusesExpertsThatDiffer(ranks: [Int]) throws {
    let files = try PretrainedFiles.open(try model("mixtral"))
    let problem = #expect(throws: Problem.self) {
      _ = try GGUFAdapterWriter(
        adapters(files, ranks: ranks), on: files.configuration, type: .f32, path: "adapter")
    }
    #expect(problem?.description.contains("\(ranks.count) of 4 experts") == true)
  }
}
