import Formats
import Model
import Tensors
import TestSupport
import Testing

@Suite struct WeightsConfigurationTests {
  static let minimal: JSON = [
    "model_type": "llama", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
    "num_attention_heads": 8, "vocab_size": 100,
  ]

  static func changed(_ changes: [(String, JSON?)]) -> JSON {
    changes.reduce(into: minimal) { $0.set($1.0, $1.1) }
  }

  @Test func fillsInTheDefaultsOfTransformers() throws {
    let configuration = try ModelConfiguration(Self.minimal, path: "config.json")
    let block = try #require(configuration.specification.blocks.first)
    #expect(block.attention.shape == AttentionShape(heads: 8, kvHeads: 8, headDimension: 8))
    #expect(configuration.maxPositionEmbeddings == 2048)
    #expect(block.attentionNorms.input?.epsilon == 1e-6)
    #expect(
      block.attention.rotary
        == RotarySpecification(dimension: 8, theta: 10000, scaling: .none))
    #expect(configuration.specification.head.weight != nil)
    #expect(configuration.bosTokenID == nil)
    #expect(configuration.eosTokenIDs.isEmpty)
  }

  @Test func readsRopeInBothForms() throws {
    let llama3: JSON = [
      "rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
      "original_max_position_embeddings": 8192,
    ]
    var parameters = llama3
    parameters.set("rope_theta", 500_000.0)
    let old = try ModelConfiguration(
      Self.changed([("rope_theta", 500_000), ("rope_scaling", llama3)]), path: "c")
    let new = try ModelConfiguration(
      Self.changed([("rope_parameters", parameters)]), path: "c")
    for configuration in [old, new] {
      let rotary = configuration.specification.blocks[0].attention.rotary
      #expect(rotary?.theta == 500_000)
      #expect(
        rotary?.scaling == .llama3(factor: 32, lowFactor: 1, highFactor: 4, originalLength: 8192))
    }
    let linear = try ModelConfiguration(
      Self.changed([("rope_scaling", ["type": "linear", "factor": 2.0])]), path: "c")
    #expect(linear.specification.blocks[1].attention.rotary?.scaling == .linear(factor: 2))
  }

  @Test func joinsTheTokensThatEndText() throws {
    let configuration = try ModelConfiguration(
      Self.changed([("eos_token_id", 2), ("bos_token_id", 1)]),
      generation: ["eos_token_id": [2, 7]], path: "c")
    #expect(configuration.eosTokenIDs == [2, 7])
    #expect(configuration.bosTokenID == 1)
  }

  static func windows(_ changes: [(String, JSON?)]) throws -> [Int?] {
    try ModelConfiguration(changed(changes), path: "c").specification.blocks
      .map(\.attention.shape.window)
  }

  @Test func givesWindowsToTheLayersThatHaveThem() throws {
    let mistral: [(String, JSON?)] = [("model_type", "mistral")]
    #expect(try Self.windows(mistral) == [4096, 4096], "the class's default")
    #expect(try Self.windows(mistral + [("sliding_window", .null)]) == [nil, nil])
    #expect(try Self.windows(mistral + [("sliding_window", 100)]) == [100, 100])
    let qwen: [(String, JSON?)] = [
      ("model_type", "qwen2"), ("num_key_value_heads", 8), ("sliding_window", 64),
    ]
    #expect(try Self.windows(qwen) == [nil, nil])
    let used = qwen + [("use_sliding_window", true)]
    #expect(try Self.windows(used) == [nil, nil], "layers from the 28th on")
    #expect(try Self.windows(used + [("max_window_layers", 1)]) == [nil, 64])
    #expect(try Self.windows(used + [("max_window_layers", 0)]) == [64, 64])
    let types: JSON = ["sliding_attention", "full_attention"]
    #expect(try Self.windows(used + [("layer_types", types)]) == [64, nil])
    let gemma: [(String, JSON?)] = [("model_type", "gemma2"), ("sliding_window", 7)]
    #expect(try Self.windows(gemma) == [7, nil])
    let problem = #expect(throws: Problem.self) {
      try Self.windows(gemma + [("layer_types", ["full_attention"])])
    }
    #expect(problem?.description.contains("each of the 2 layers") == true)
  }

  /// Random numbers are named by these, so a norm or bias more must not move them.
  @Test func linearLayersAreNumberedAlikeInAllFamilies() throws {
    for type in ["llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text", "olmo2"] {
      let configuration = try ModelConfiguration(
        Self.changed([("model_type", .string(type)), ("num_key_value_heads", 8)]),
        path: "c")
      let linears = configuration.specification.linears
      #expect(linears.map(\.id) == Array(0..<14))
      #expect(
        linears.prefix(7).map(\.module)
          == ["q", "k", "v", "o"].map { "model.layers.0.self_attn.\($0)_proj" }
          + ["gate", "up", "down"].map { "model.layers.0.mlp.\($0)_proj" })
    }
  }

  @Test(
    arguments: [
      ("model_type", "qwen9" as JSON, "the architecture is qwen9"),
      (
        "architectures", ["LlamaForSequenceClassification"] as JSON,
        "LlamaForSequenceClassification"
      ),
      ("hidden_size", nil, "\"hidden_size\" is missing"),
      ("hidden_size", 0, "\"hidden_size\" is 0, expected a whole number from 1"),
      ("hidden_size", -64, "is -64"),
      ("hidden_size", 64.5, "is 64.5"),
      ("hidden_size", "64", "is \"64\""),
      ("hidden_size", 4_611_686_018_427_387_904, "expected a whole number from 1 to 1048576"),
      ("vocab_size", 1_099_511_627_776, "\"vocab_size\" is"),
      ("num_key_value_heads", 3, "expected a multiple of \"num_key_value_heads\", 3"),
      ("head_dim", 7, "the head dimension is 7"),
      ("rms_norm_eps", 0, "\"rms_norm_eps\" is 0"),
      ("tie_word_embeddings", "yes", "expected true or false"),
      ("eos_token_id", "</s>", "expected a token id"),
      ("mlp_bias", 1, "\"mlp_bias\" is 1, expected true or false"),
      ("hidden_act", "tanh", "\"hidden_act\" is \"tanh\", supported are gelu, gelu_fast"),
      ("rope_scaling", ["rope_type": "3d", "factor": 4.0], "the rope type is \"3d\""),
      ("rope_scaling", ["rope_type": "linear"], "\"factor\" of the rope parameters is missing"),
      ("rope_scaling", ["rope_type": "linear", "factor": -1], "is -1, expected a positive number"),
      ("rope_parameters", ["partial_rotary_factor": 0.1], "0 of the 8 elements of a head"),
      ("quantization_config", ["quant_method": "aqlm"], "quantized with \"aqlm\""),
      ("quantization_config", ["quant_method": "fp8"], "supported are bitsandbytes (NF4 and INT8)"),
      ("quantization_config", ["bits": 4, "group_size": 64], "quantized with \"mlx\""),
    ] as [(String, JSON?, String)])
  func refuses(key: String, value: JSON?, sentence: String) throws {
    let problem = #expect(throws: Problem.self) {
      try ModelConfiguration(Self.changed([(key, value)]), path: "model/config.json")
    }
    #expect(problem?.description.contains(sentence) == true, "\(problem?.description ?? "")")
    #expect(problem?.description.hasPrefix("model/config.json: ") == true)
  }

  @Test func namesDropoutsThatAreNotApplied() throws {
    let configuration = try ModelConfiguration(
      Self.changed([("attention_dropout", 0.1), ("hidden_dropout", 0.0)]), path: "c")
    #expect(configuration.ownDropouts == ["attention_dropout 0.1"])
    #expect(try ModelConfiguration(Self.minimal, path: "c").ownDropouts.isEmpty)
  }

  @Test func reportsEverythingTogether() throws {
    let problem = #expect(throws: Problem.self) {
      try ModelConfiguration(
        Self.changed([("intermediate_size", nil), ("vocab_size", -1), ("mlp_bias", 1)]),
        path: "c")
    }
    #expect(problem?.sentences.count == 4)
    #expect(problem?.sentences.first == "c: 3 problems")
  }

  /// Sizes that make no sense end in sentences, whatever family they are of.
  @Test func survivesExtremeValues() {
    let extremes: [JSON] = [0, -1, 1, 3, 7, 1e-300, 1e300, 9_007_199_254_740_993, "x", [], .null]
    let keys = [
      "num_key_value_heads", "head_dim", "hidden_size", "sliding_window", "max_window_layers",
      "query_pre_attn_scalar", "attn_logit_softcapping", "final_logit_softcapping", "rms_norm_eps",
      "layer_types", "rope_theta", "num_hidden_layers",
    ]
    for family in Families.all {
      for key in keys {
        for value in extremes {
          _ = try? ModelConfiguration(
            Self.changed([
              ("model_type", .string(family.modelType)), ("use_sliding_window", true), (key, value),
            ]), path: "c")
        }
      }
    }
  }

  @Test func survivesOtherJSON() {
    for json in [JSON.null, 1, "x", [], [:]] {
      #expect(throws: Problem.self) { try ModelConfiguration(json, path: "c") }
    }
  }

  @Test func readsTheKeysOfGGUF() throws {
    let gguf = try ModelConfiguration(try GGUFFile(goldenPath("weights/tiny.gguf")))
    let path = goldenPath("weights/bf16/config.json")
    let huggingFace = try ModelConfiguration(try readJSON(path), path: path)
    // The scaling of the rotation is found from rope_freqs.weight.
    #expect(gguf.specification == huggingFace.specification)
    #expect(gguf.specification.finalNorm.epsilon == 1e-5)
    #expect(gguf.specification.blocks[0].attention.rotary?.theta == 500_000)
    #expect(gguf.maxPositionEmbeddings == huggingFace.maxPositionEmbeddings)
    #expect(gguf.bosTokenID == 1)
    #expect(gguf.eosTokenIDs == [2])
  }
}
