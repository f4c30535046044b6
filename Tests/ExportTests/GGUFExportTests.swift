import Formats
import Model
import Tensors
import TestSupport
import Testing

@testable import Export

@Suite struct GGUFExportTests {
  let directory: TemporaryDirectory
  let path: String

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.path("out.gguf")
  }

  private func export(
    _ model: String, _ type: GGUFModelType = .f32, adapter: String? = nil,
    format: Exporter.Format = .gguf
  ) throws -> [String] {
    var settings = Exporter.Settings(model: goldenPath(model), format: format, output: path)
    settings.type = type
    settings.adapter = adapter.map(goldenPath)
    let exporter = try Exporter(settings)
    try exporter.run()
    return exporter.warnings
  }

  static let models = ["tiny-llama", "families/qwen2", "families/qwen3"]

  /// What was written is read under the same names, in the same order, to the same bits.
  @Test(arguments: models) func isReadBack(model: String) throws {
    _ = try export(model)
    let (written, source) = (
      try PretrainedFiles.open(path), try PretrainedFiles.open(goldenPath(model))
    )
    for site in source.specification.sites {
      let (actual, expected) = (try written.tensor(site), try source.tensor(site))
      #expect(actual.toArray(Float.self) == expected.toArray(Float.self), "\(site.name)")
    }
  }

  @Test(arguments: models) func mergesAnAdapter(model: String) throws {
    _ = try export(model, adapter: "\(model)/adapter")
    let merged = directory.path("merged")
    try Merger.run(
      model: goldenPath(model), adapter: goldenPath("\(model)/adapter"), output: merged,
      type: .float32)
    let (written, expected) = (
      try PretrainedFiles.open(path), try PretrainedFiles.open(merged)
    )
    for site in expected.specification.sites {
      #expect(
        try written.tensor(site).toArray(Float.self) == expected.tensor(site).toArray(Float.self),
        "\(site.name)")
    }
  }

  /// Neighbouring rows of the file are halves of a head apart in the model.
  @Test func interleavesTheRowsOfRotatedHeads() throws {
    _ = try export("tiny-llama")
    let file = try GGUFFile(path)
    let source = try PretrainedFiles.open(goldenPath("tiny-llama"))
    let attention = try #require(source.specification.blocks.first).attention.shape
    let site = try #require(
      source.specification.sites.first { $0.module.hasSuffix("self_attn.q_proj") })
    let values = try source.tensor(site).toArray(Float.self)
    let stored = file.withBytes(of: "blk.0.attn_q.weight") { Array($0.bindMemory(to: Float.self)) }
    func row(_ values: [Float], _ row: Int) -> [Float] {
      Array(values[row * site.inputs..<(row + 1) * site.inputs])
    }
    #expect(row(stored, 0) == row(values, 0))
    #expect(row(stored, 1) == row(values, attention.headDimension / 2))
    #expect(row(stored, 2) == row(values, 1))
  }

  /// Biases of rotated heads go where their rows go.
  @Test func interleavesBiases() throws {
    let model = try modelWithBiases()
    let settings = Exporter.Settings(model: model, format: .gguf, output: path)
    try Exporter(settings).run()
    let source = try PretrainedFiles.open(model)
    let written = try GGUFFile(path)
    let dimension = try #require(source.specification.blocks.first).attention.shape.headDimension
    for (module, name, isInterleaved) in [
      ("q_proj", "attn_q", true), ("k_proj", "attn_k", true), ("v_proj", "attn_v", false),
    ] {
      let site = try #require(
        source.specification.sites.first {
          $0.name == "model.layers.0.self_attn.\(module).bias"
        })
      let values = try source.tensor(site).toArray(Float.self)
      let stored = written.withBytes(of: "blk.0.\(name).bias") {
        Array($0.bindMemory(to: Float.self))
      }
      #expect(stored[0] == values[0])
      #expect(stored[1] == values[isInterleaved ? dimension / 2 : 1])
      #expect(stored.sorted() == values.sorted())
    }
  }

  /// The tiny Llama with a bias in every layer of the attention.
  private func modelWithBiases() throws -> String {
    let (base, model) = (goldenPath("tiny-llama"), directory.path("biased"))
    try createDirectory(model)
    for name in ["tokenizer.json", "tokenizer_config.json"] {
      try writeFile("\(model)/\(name)", bytes: try readFile("\(base)/\(name)"))
    }
    var config = try readJSON("\(base)/config.json")
    config.set("attention_bias", true)
    try writeFile("\(model)/config.json", config.text())
    let source = try PretrainedFiles.open(base)
    let weights = source.specification.sites.map { site in
      SafetensorsWriter.Source(name: site.name, dtype: "F32", shape: site.shape) { emit in
        try source.tensor(site).withBytes { try emit($0) }
      }
    }
    let linears = source.specification.linears.filter { $0.module.contains("self_attn") }
    let biases = linears.map { site in
      SafetensorsWriter.Source(
        name: "\(site.module).bias", dtype: "F32", shape: [site.outputs]
      ) { emit in
        try (0..<site.outputs).map { Float($0) }.withUnsafeBytes { try emit($0) }
      }
    }
    try SafetensorsWriter.write("\(model)/model.safetensors", tensors: weights + biases)
    return model
  }

  @Test func describesTheModel() throws {
    let warnings = try export("families/qwen2", .q8_0)
    let file = try GGUFFile(path)
    let expected: [String: GGUFValue] = [
      "general.architecture": .string("qwen2"), "general.type": .string("model"),
      "general.name": .string("qwen2"), "general.file_type": .integer(7),
      "general.quantization_version": .integer(2), "qwen2.context_length": .integer(256),
      "qwen2.embedding_length": .integer(32), "qwen2.block_count": .integer(2),
      "qwen2.feed_forward_length": .integer(40), "qwen2.attention.head_count": .integer(4),
      "qwen2.attention.head_count_kv": .integer(2), "qwen2.vocab_size": .integer(384),
      "qwen2.rope.freq_base": .number(1_000_000), "qwen2.rope.dimension_count": .integer(8),
      "qwen2.attention.layer_norm_rms_epsilon": .number(Double(Float(1e-6))),
      "tokenizer.ggml.model": .string("gpt2"), "tokenizer.ggml.pre": .string("gpt-2"),
      "tokenizer.ggml.bos_token_id": .integer(1), "tokenizer.ggml.eos_token_id": .integer(2),
      "tokenizer.ggml.unknown_token_id": .integer(0), "tokenizer.ggml.add_bos_token": .bool(false),
    ]
    for (key, value) in expected { #expect(file.metadata[key] == value, "\(key)") }
    #expect(file.metadata["tokenizer.ggml.tokens"]?.strings?.count == 384)
    #expect(file.metadata["tokenizer.ggml.merges"]?.strings?.count == 125)
    #expect(file.metadata["tokenizer.ggml.token_type"]?.integers?.prefix(4) == [3, 3, 3, 1])
    #expect(file.metadata["tokenizer.chat_template"]?.string?.contains("<|im_start|>") == true)
    #expect(file.tensors["blk.0.attn_q.weight"]?.type == .q8_0)
    #expect(file.tensors["blk.0.attn_q.bias"]?.type == .f32)
    #expect(file.tensors["blk.0.ffn_down.weight"]?.type == .f16, "rows of 40 are no whole blocks")
    #expect(warnings.contains { $0.contains("ignores the attention window of 8 tokens") })
  }

  /// Scores scaled by another number than llama.cpp's, which is not in the file.
  @Test func refusesWhatLlamaCppCannotCompute() throws {
    let problem = #expect(throws: Problem.self) { try export("families/gemma2") }
    #expect(problem?.description.contains("not scaled by 1 / √(head dimension)") == true)
    #expect(!fileExists(path))
  }

  @Test func keepsTheTokenizerOfAGGUFFile() throws {
    _ = try export("weights/tiny.gguf")
    let (written, source) = (
      try GGUFFile(path), try GGUFFile(goldenPath("weights/tiny.gguf"))
    )
    for (key, value) in source.metadata where key.hasPrefix("tokenizer.") {
      #expect(written.metadata[key] == value, "\(key)")
    }
    // The scaling of Llama 3.1 is a table of divisors.
    let tables = try [written, source].map { file in
      try #require(file.tensors["rope_freqs.weight"])
      return file.withBytes(of: "rope_freqs.weight") { Array($0.bindMemory(to: Float.self)) }
    }
    for (actual, expected) in zip(tables[0], tables[1]) {
      #expect(abs(actual - expected) <= 1e-5 * expected)
    }
  }
}
