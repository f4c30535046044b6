import Formats
import Model
import Tensors
import TestSupport
import Testing

@Suite struct PEFTDirectoryTests {
  let golden: TinyLlama
  let folder: TemporaryDirectory

  init() throws {
    golden = try TinyLlama()
    folder = try TemporaryDirectory()
  }

  var linears: [LinearShape] { golden.files.configuration.linears }

  func load(_ directory: String, fingerprint: String = "f") throws -> PEFTDirectory.Loaded {
    try PEFTDirectory.load(directory, linears: linears, baseFingerprint: fingerprint)
  }

  /// A copy of the golden adapter whose configuration has some keys changed.
  func edited(_ changes: [(String, JSON?)]) throws -> String {
    var config = try #require(
      try readJSON("\(TinyLlama.path)/adapter/adapter_config.json").object)
    for (key, value) in changes { config[key] = value }
    try writeFile(folder.path("adapter_config.json"), JSON.object(config).text())
    try writeFile(
      folder.path("adapter_model.safetensors"),
      bytes: try readFile("\(TinyLlama.path)/adapter/adapter_model.safetensors"))
    return folder.path
  }

  @Test func readsBackWhatItWrites() throws {
    let configuration = LoRAConfiguration(
      rank: 3, alpha: 7.5, useRSLoRA: true, targetModules: ["q_proj", "down_proj"],
      baseModel: "somewhere")
    let targets = linears.filter { $0.name.hasSuffix("q_proj") || $0.name.hasSuffix("down_proj") }
    let adapter = LoRAAdapter(configuration: configuration, linears: targets, seed: 5)
    for (index, parameter) in adapter.parameters.enumerated() {
      Random.fillUniform(parameter.value, -1..<1, key: RandomKey(seed: UInt64(index), .sampling))
    }
    try PEFTDirectory.write(adapter, baseFingerprint: "f", to: folder.path)
    let loaded = try load(folder.path)
    #expect(loaded.warnings.isEmpty)
    #expect(loaded.adapter.configuration == configuration)
    #expect(loaded.adapter.modules.map(\.name) == targets.map(\.name))
    for (a, b) in zip(adapter.parameters, loaded.adapter.parameters) {
      #expect(a.name == b.name)
      #expect(a.value.toArray(Float.self) == b.value.toArray(Float.self))
    }
    #expect(loaded.adapter.modules[0].lora.scale == Float(7.5 / 3.0.squareRoot()))
  }

  @Test func saysWhenTheBaseIsAnother() throws {
    let adapter = LoRAAdapter(
      configuration: LoRAConfiguration(
        rank: 2, alpha: 4, targetModules: ["q_proj"], baseModel: "somewhere"),
      linears: [linears[0]], seed: 1)
    try PEFTDirectory.write(adapter, baseFingerprint: "f", to: folder.path)
    let warnings = try load(folder.path, fingerprint: "g").warnings
    #expect(warnings.count == 1 && warnings[0].contains("other base weights"), "\(warnings)")
  }

  @Test func patternsChangeSingleModules() throws {
    let directory = try edited([
      ("alpha_pattern", ["layers.1.self_attn.q_proj": 40, "model.layers.0.*up_proj": 2] as JSON)
    ])
    let scales = Dictionary(
      uniqueKeysWithValues: try load(directory).adapter.modules.map { ($0.name, $0.lora.scale) })
    #expect(scales["model.layers.0.self_attn.q_proj"] == 3)
    #expect(scales["model.layers.1.self_attn.q_proj"] == 10)
  }

  /// Ranks and scales of single modules survive being written and read, which a resumed run does
  /// at every checkpoint.
  @Test func patternsAreWrittenBack() throws {
    let configuration = LoRAConfiguration(
      rank: 4, alpha: 8, useRSLoRA: true, targetModules: ["q_proj", "up_proj"], baseModel: "b")
    let modules = linears.filter { $0.name.hasSuffix("q_proj") || $0.name.hasSuffix("up_proj") }
      .enumerated().map { place, linear in
        let (rank, alpha) = (place == 1 ? 3 : 4, place == 2 ? 2.5 : 8)
        let lora = LoRA(
          a: Parameter(
            name: "base_model.model.\(linear.name).lora_A.weight",
            value: Tensor.zeros([rank, linear.inputs])),
          b: Parameter(
            name: "base_model.model.\(linear.name).lora_B.weight",
            value: Tensor.zeros([linear.outputs, rank])),
          alpha: alpha, scale: Float(configuration.scale(rank: rank, alpha: alpha)), dropout: 0,
          index: linear.index)
        return (name: linear.name, lora: lora)
      }
    let adapter = LoRAAdapter(configuration: configuration, modules: modules)
    try PEFTDirectory.write(adapter, baseFingerprint: "f", to: folder.path)
    let loaded = try load(folder.path).adapter
    #expect(loaded.modules.map(\.lora.rank) == [4, 3, 4, 4])
    #expect(loaded.modules.map(\.lora.alpha) == [8, 8, 2.5, 8])
    #expect(loaded.modules.map(\.lora.scale) == adapter.modules.map(\.lora.scale))
    let config = try readJSON(folder.path("adapter_config.json"))
    #expect(config["rank_pattern"] == [modules[1].name: 3] as JSON)
    #expect(config["alpha_pattern"] == [modules[2].name: 2.5] as JSON)
  }

  /// Dropout masks are named by the layer, not by its place in some list of targets: the same layer
  /// gets the same mask in a fresh adapter and in one that was read.
  @Test func aReadAdapterDropsWhatTheFreshOneDrops() throws {
    let configuration = LoRAConfiguration(
      rank: 2, alpha: 4, dropout: 0.5, targetModules: ["v_proj", "down_proj"], baseModel: "b")
    let targets = linears.filter { $0.name.hasSuffix("v_proj") || $0.name.hasSuffix("down_proj") }
    let fresh = LoRAAdapter(configuration: configuration, linears: targets, seed: 5)
    try PEFTDirectory.write(fresh, baseFingerprint: "f", to: folder.path)
    let read = try PEFTDirectory.load(
      folder.path, linears: linears, baseFingerprint: "f", dropout: 0.5
    ).adapter
    func gradients(_ adapter: LoRAAdapter) throws -> [[Float]] {
      let model = try golden.model()
      model.attach(adapter)
      model.accumulateGradients(
        TokenBatch(rows: golden.rows), gradientScale: 1, loss: Tensor.zeros([1], .float64),
        checkpointing: false, dropout: DropoutKey(seed: 9, step: 2, microBatch: 1))
      return adapter.parameters.map { $0.gradient.toArray(Float.self) }
    }
    #expect(try gradients(read) == gradients(fresh))
  }

  static let refused: [(String, JSON, String)] = [
    ("use_dora", true, "use_dora"), ("bias", "all", "bias"),
    ("modules_to_save", ["lm_head"], "modules_to_save"), ("peft_type", "IA3", "IA3"),
    ("r", 0, "r is 0"), ("r", 6, "rank imply"), ("fan_in_fan_out", true, "fan_in_fan_out"),
  ]

  @Test(arguments: refused)
  func refusesWhatChangesTheMathematics(key: String, value: JSON, word: String) throws {
    let directory = try edited([(key, value)])
    let problem = #expect(throws: Problem.self) { try load(directory) }
    #expect(problem?.description.contains(word) == true, "\(problem?.description ?? "")")
    #expect(problem?.kind == .input)
  }

  @Test func namesUnknownKeysAndGoesOn() throws {
    let loaded = try load(try edited([("brand_new_option", 3)]))
    #expect(loaded.warnings.contains { $0.contains("brand_new_option") })
    #expect(loaded.adapter.modules.count == linears.count)
  }

  @Test func refusesAnAdapterOfAnotherModel() throws {
    let wider = linears.map {
      LinearShape(index: $0.index, name: $0.name, outputs: $0.outputs * 2, inputs: $0.inputs)
    }
    let problem = #expect(throws: Problem.self) {
      try PEFTDirectory.load(
        "\(TinyLlama.path)/adapter", linears: wider, baseFingerprint: "f")
    }
    #expect(problem?.description.contains("cannot be used on this base model") == true)
    let fewer = #expect(throws: Problem.self) {
      try PEFTDirectory.load(
        "\(TinyLlama.path)/adapter", linears: Array(linears.prefix(7)), baseFingerprint: "f")
    }
    #expect(fewer?.description.contains("belong to no linear layer") == true)
  }

  @Test func unmatchedTargetsAreNamed() {
    let names = linears.map(\.name)
    let problem = #expect(throws: Problem.self) {
      try LoRAConfiguration.resolve(
        targets: ["q_proj", "query", "lm_head"], among: names, place: "targets")
    }
    let text = problem?.description ?? ""
    #expect(
      text.contains("query") && text.contains("lm_head") && text.contains("gate_proj"), "\(text)")
  }
}
