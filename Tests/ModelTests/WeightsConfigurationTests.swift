import Formats
import Model
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
    let configuration = try LlamaConfiguration(Self.minimal, path: "config.json")
    #expect(configuration.kvHeadCount == 8)
    #expect(configuration.headDimension == 8)
    #expect(configuration.maxPositionEmbeddings == 2048)
    #expect(configuration.rmsNormEpsilon == 1e-6)
    #expect(configuration.ropeTheta == 10000)
    #expect(configuration.ropeScaling == .none)
    #expect(!configuration.tieWordEmbeddings)
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
    let old = try LlamaConfiguration(
      Self.changed([("rope_theta", 500_000), ("rope_scaling", llama3)]), path: "c")
    let new = try LlamaConfiguration(
      Self.changed([("rope_parameters", parameters)]), path: "c")
    for configuration in [old, new] {
      #expect(configuration.ropeTheta == 500_000)
      #expect(
        configuration.ropeScaling
          == .llama3(factor: 32, lowFactor: 1, highFactor: 4, originalLength: 8192))
    }
    let linear = try LlamaConfiguration(
      Self.changed([("rope_scaling", ["type": "linear", "factor": 2.0])]), path: "c")
    #expect(linear.ropeScaling == .linear(factor: 2))
  }

  @Test func joinsTheTokensThatEndText() throws {
    let configuration = try LlamaConfiguration(
      Self.changed([("eos_token_id", 2), ("bos_token_id", 1)]),
      generation: ["eos_token_id": [2, 7]], path: "c")
    #expect(configuration.eosTokenIDs == [2, 7])
    #expect(configuration.bosTokenID == 1)
  }

  @Test func acceptsMistralWithoutAWindow() throws {
    let mistral: [(String, JSON?)] = [
      ("model_type", "mistral"), ("architectures", ["MistralForCausalLM"]),
    ]
    _ = try LlamaConfiguration(Self.changed(mistral + [("sliding_window", nil)]), path: "c")
    let problem = #expect(throws: Problem.self) {
      try LlamaConfiguration(Self.changed(mistral + [("sliding_window", 1024)]), path: "c")
    }
    #expect(problem?.description.contains("attention windows are not supported") == true)
  }

  @Test(
    arguments: [
      ("model_type", "qwen2" as JSON, "the architecture is qwen2"),
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
      ("attention_bias", true, "\"attention_bias\" is true"),
      ("mlp_bias", true, "\"mlp_bias\" is true"),
      ("hidden_act", "gelu", "\"hidden_act\" is \"gelu\""),
      ("attention_dropout", 0.1, "supported is 0"),
      ("rope_scaling", ["rope_type": "yarn", "factor": 4.0], "the rope type is \"yarn\""),
      ("rope_scaling", ["rope_type": "linear"], "\"factor\" of the rope parameters is missing"),
      ("rope_scaling", ["rope_type": "linear", "factor": -1], "is -1, expected a positive number"),
      ("rope_parameters", ["partial_rotary_factor": 0.5], "partial_rotary_factor"),
      ("quantization_config", ["quant_method": "gptq"], "quantized with \"gptq\""),
    ] as [(String, JSON?, String)])
  func refuses(key: String, value: JSON?, sentence: String) throws {
    let problem = #expect(throws: Problem.self) {
      try LlamaConfiguration(Self.changed([(key, value)]), path: "model/config.json")
    }
    #expect(problem?.description.contains(sentence) == true, "\(problem?.description ?? "")")
    #expect(problem?.description.hasPrefix("model/config.json: ") == true)
  }

  @Test func reportsEverythingTogether() throws {
    let problem = #expect(throws: Problem.self) {
      try LlamaConfiguration(
        Self.changed([("intermediate_size", nil), ("vocab_size", -1), ("mlp_bias", true)]),
        path: "c")
    }
    #expect(problem?.sentences.count == 4)
    #expect(problem?.sentences.first == "c: 3 problems")
  }

  @Test func survivesOtherJSON() {
    for json in [JSON.null, 1, "x", [], [:]] {
      #expect(throws: Problem.self) { try LlamaConfiguration(json, path: "c") }
    }
  }

  @Test func readsTheKeysOfGGUF() throws {
    let gguf = try LlamaConfiguration(try GGUFFile(goldenPath("weights/tiny.gguf")))
    let path = goldenPath("weights/bf16/config.json")
    let huggingFace = try LlamaConfiguration(try readJSON(path), path: path)
    #expect(gguf.tensorShapes.map(\.name) == huggingFace.tensorShapes.map(\.name))
    #expect(gguf.tensorShapes.map(\.shape) == huggingFace.tensorShapes.map(\.shape))
    #expect(gguf.rmsNormEpsilon == 1e-5)
    #expect(gguf.ropeTheta == 500_000)
    #expect(gguf.ropeScaling == huggingFace.ropeScaling, "found from rope_freqs.weight")
    #expect(gguf.maxPositionEmbeddings == huggingFace.maxPositionEmbeddings)
    #expect(gguf.bosTokenID == 1)
    #expect(gguf.eosTokenIDs == [2])
  }
}
