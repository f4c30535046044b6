import Formats
import Model
import Tensors
import TestSupport
import Testing
import Training

@Suite struct PEFTDirectoryTests {
  let golden: GoldenModel
  let folder: TemporaryDirectory

  init() throws {
    golden = try GoldenModel()
    folder = try TemporaryDirectory()
  }

  var linears: [Site] { golden.files.specification.linears }

  func load(_ directory: String, fingerprint: String = "f") throws -> PEFTDirectory.Loaded {
    try PEFTDirectory.load(directory, linears: linears, baseFingerprint: fingerprint)
  }

  /// A copy of the golden adapter whose configuration has some keys changed.
  func edited(_ changes: [(String, JSON?)]) throws -> String {
    var config = try #require(
      try readJSON("\(goldenPath("tiny-llama"))/adapter/adapter_config.json").object)
    for (key, value) in changes { config[key] = value }
    try writeFile(folder.path("adapter_config.json"), JSON.object(config).text())
    try writeFile(
      folder.path("adapter_model.safetensors"),
      bytes: try readFile("\(goldenPath("tiny-llama"))/adapter/adapter_model.safetensors"))
    return folder.path
  }

  @Test func readsBackWhatItWrites() throws {
    let configuration = LoRAConfiguration(
      rank: 3, alpha: 7.5, useRSLoRA: true, targetModules: ["q_proj", "down_proj"],
      baseModel: "somewhere")
    let targets = linears.filter {
      $0.module.hasSuffix("q_proj") || $0.module.hasSuffix("down_proj")
    }
    let adapter = AdapterSet(fresh: configuration, targets: targets, seed: 5)
    for (index, parameter) in adapter.parameters.enumerated() {
      Random.fillUniform(parameter.value, -1..<1, key: RandomKey(seed: UInt64(index), .sampling))
    }
    try PEFTDirectory.write(adapter, baseFingerprint: "f", to: folder.path)
    let loaded = try load(folder.path)
    #expect(loaded.warnings.isEmpty)
    #expect(loaded.adapters.method as? LoRAConfiguration == configuration)
    #expect(loaded.adapters.modules.map(\.site) == targets)
    for (a, b) in zip(adapter.parameters, loaded.adapters.parameters) {
      #expect(a.name == b.name)
      #expect(a.value.toArray(Float.self) == b.value.toArray(Float.self))
    }
    #expect(try loras(loaded.adapters)[0].scale == Float(7.5 / 3.0.squareRoot()))
  }

  @Test func saysWhenTheBaseIsAnother() throws {
    let adapter = AdapterSet(
      fresh: LoRAConfiguration(
        rank: 2, alpha: 4, targetModules: ["q_proj"], baseModel: "somewhere"),
      targets: [linears[0]], seed: 1)
    try PEFTDirectory.write(adapter, baseFingerprint: "f", to: folder.path)
    let warnings = try load(folder.path, fingerprint: "g").warnings
    #expect(warnings.count == 1 && warnings[0].contains("other base weights"), "\(warnings)")
  }

  @Test func patternsChangeSingleModules() throws {
    let directory = try edited([
      ("alpha_pattern", ["layers.1.self_attn.q_proj": 40, "model.layers.0.*up_proj": 2] as JSON)
    ])
    let scales = Dictionary(
      uniqueKeysWithValues: try load(directory).adapters.modules.map {
        ($0.site.module, try #require($0.adapter as? LoRA).scale)
      })
    #expect(scales["model.layers.0.self_attn.q_proj"] == 3)
    #expect(scales["model.layers.1.self_attn.q_proj"] == 10)
  }

  /// Ranks and scales of single modules survive being written and read, which a resumed run does
  /// at every checkpoint.
  @Test func patternsAreWrittenBack() throws {
    var configuration = LoRAConfiguration(
      rank: 4, alpha: 8, useRSLoRA: true, targetModules: ["q_proj", "up_proj"], baseModel: "b")
    configuration.rankPattern.entries = [.init(key: "layers.1.self_attn.q_proj", value: 3)]
    configuration.alphaPattern.entries = [.init(key: "0.mlp.up_proj", value: 2.5)]
    let targets = linears.filter {
      $0.module.hasSuffix("q_proj") || $0.module.hasSuffix("up_proj")
    }
    let written = AdapterSet(fresh: configuration, targets: targets, seed: 1)
    // As a resumed run has them: under the recipe's settings, which know no patterns.
    var plain = configuration
    plain.rankPattern = .init()
    plain.alphaPattern = .init()
    try PEFTDirectory.write(written.described(as: plain), baseFingerprint: "f", to: folder.path)
    let read = try load(folder.path).adapters
    #expect(try loras(read).map(\.rank) == [4, 4, 3, 4])
    #expect(try loras(read).map(\.alpha) == [8, 2.5, 8, 8])
    #expect(try loras(read).map(\.scale) == loras(written).map(\.scale))
    let config = try readJSON(folder.path("adapter_config.json"))
    #expect(config["rank_pattern"] == ["model.layers.1.self_attn.q_proj": 3] as JSON)
    #expect(config["alpha_pattern"] == ["model.layers.0.mlp.up_proj": 2.5] as JSON)
  }

  func loras(_ adapters: AdapterSet) throws -> [LoRA] {
    try adapters.modules.map { try #require($0.adapter as? LoRA) }
  }

  /// Dropout masks are named by the layer, not by its place in some list of targets: the same layer
  /// gets the same mask in a fresh adapter and in one that was read.
  @Test func aReadAdapterDropsWhatTheFreshOneDrops() throws {
    let configuration = LoRAConfiguration(
      rank: 2, alpha: 4, dropout: 0.5, targetModules: ["v_proj", "down_proj"], baseModel: "b")
    let targets = linears.filter {
      $0.module.hasSuffix("v_proj") || $0.module.hasSuffix("down_proj")
    }
    let fresh = AdapterSet(fresh: configuration, targets: targets, seed: 5)
    try PEFTDirectory.write(fresh, baseFingerprint: "f", to: folder.path)
    let read = try PEFTDirectory.load(
      folder.path, linears: linears, baseFingerprint: "f", dropout: 0.5
    ).adapters
    func gradients(_ adapters: AdapterSet) throws -> [[Float]] {
      try golden.model().accumulateGradients(
        TokenBatch(rows: golden.rows), adapters: adapters, objective: SupervisedObjective(),
        gradientScale: 1, loss: Tensor.zeros([1], .float64), checkpointing: false,
        dropout: DropoutKey(seed: 9, step: 2, microBatch: 1))
      return adapters.parameters.map { $0.gradient.toArray(Float.self) }
    }
    #expect(try gradients(read) == gradients(fresh))
  }

  static let refused: [(String, JSON, String)] = [
    ("use_dora", true, "use_dora"), ("bias", "all", "bias"),
    ("modules_to_save", ["lm_head"], "modules_to_save"), ("peft_type", "IA3", "IA3"),
    ("r", 0, "r is 0"), ("r", "8", "r is \"8\""), ("lora_alpha", "x", "lora_alpha is"),
    ("use_rslora", "true", "use_rslora is"), ("init_lora_weights", "pissa_niter_4", "pissa"),
    ("alpha_pattern", ["q_proj": "x"], "alpha_pattern"), ("rank_pattern", ["(": 3], "regular"),
    ("r", 6, "rank imply"),
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
    #expect(loaded.adapters.modules.count == linears.count)
  }

  @Test func refusesAnAdapterOfAnotherModel() throws {
    var sites = SiteList()
    let wider = linears.map {
      sites.linear($0.module, outputs: $0.outputs * 2, inputs: $0.inputs).weight
    }
    let problem = #expect(throws: Problem.self) {
      try PEFTDirectory.load(
        "\(goldenPath("tiny-llama"))/adapter", linears: wider, baseFingerprint: "f")
    }
    #expect(problem?.description.contains("cannot be used on this base model") == true)
    let fewer = #expect(throws: Problem.self) {
      try PEFTDirectory.load(
        "\(goldenPath("tiny-llama"))/adapter", linears: Array(linears.prefix(7)),
        baseFingerprint: "f")
    }
    #expect(fewer?.description.contains("belong to no linear layer") == true)
  }

  @Test func unmatchedTargetsAreNamed() {
    let problem = #expect(throws: Problem.self) {
      try AdapterTargets.resolve(
        ["q_proj", "query", "lm_head"], among: linears, place: "targets")
    }
    let text = problem?.description ?? ""
    #expect(
      text.contains("query") && text.contains("lm_head") && text.contains("gate_proj"), "\(text)")
  }
}
