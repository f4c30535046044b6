import Formats
import Foundation
import Model
import Recipes
import Tensors
import TestSupport
import Testing
import Training

/// Whole runs on a base that is stored in whole numbers, and from an adapter of mlx-lm.
@Suite struct QuantizedBaseTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// The golden GPTQ model under the tiny Llama's tokenizer, whose vocabulary is larger.
  private func model() throws -> String {
    let path = folder.path("model")
    if directoryExists(path) { return path }
    try createDirectory(path)
    let tokenizer = goldenPath("tiny-llama")
    for name in ["tokenizer.json", "tokenizer_config.json"] {
      try FileManager.default.copyItem(atPath: "\(tokenizer)/\(name)", toPath: "\(path)/\(name)")
    }
    let words = 384
    var config = try readJSON(goldenPath("packed/gptq/config.json"))
    config.set("vocab_size", .integer(words))
    try writeFile("\(path)/config.json", config.text())
    let file = try SafetensorsFile(goldenPath("packed/gptq/model.safetensors"))
    let table = Tensor.zeros([words, 32])
    Random.fillUniform(table, -1..<1, key: RandomKey(seed: 7, .sampling))
    let sources = file.names.compactMap { name -> SafetensorsWriter.Source? in
      guard let entry = file.tensors[name] else { return nil }
      if name == "model.embed_tokens.weight" {
        return .init(name: name, dtype: "F32", shape: [words, 32]) { try table.withBytes($0) }
      }
      return .init(name: name, dtype: entry.dtype, shape: entry.shape) { emit in
        try file.withBytes(of: name) { try emit($0) }
      }
    }
    try SafetensorsWriter.write("\(path)/model.safetensors", tensors: sources)
    return path
  }

  private func recipe(_ name: String, _ overrides: String...) throws -> Recipe {
    let rows = folder.path("rows.jsonl")
    let lines = (0..<12).map {
      "{\"instruction\": \"Say \($0)\", \"output\": \"\(String(repeating: "so ", count: 1 + $0 % 4))\"}"
    }
    try writeFile(rows, lines.joined(separator: "\n") + "\n")
    let json: JSON = [
      "model": ["path": .string(try model())],
      "adapter": ["rank": 4, "alpha": 8, "dropout": 0.1],
      "data": ["train": [["path": .string(rows), "format": "alpaca"]], "max_length": 64],
      "training": ["epochs": 2, "micro_batch_size": 2, "learning_rate": 0.01],
      "checkpoint": ["every_steps": 2],
      "output": ["directory": .string(folder.path(name))],
    ]
    return try Recipe(json: json, source: "test", overrides: overrides)
  }

  private func plan(_ recipe: Recipe) throws -> TrainingPlan {
    try Trainer(recipe: recipe, resume: false, onEvent: { _ in }).plan()
  }

  @Test func thePlanSaysWhatBecomesOfTheWeights() throws {
    let kept = try plan(try recipe("a"))
    #expect(kept.weights?.hasPrefix("stored as GPTQ, 2 bits") == true, "\(kept.weights ?? "")")
    #expect(kept.weights?.hasSuffix("kept in 4 bits") == true)
    let again = try plan(try recipe("b", "model.quantization=nf4"))
    #expect(again.weights?.hasSuffix("made bfloat16 and quantized again to nf4") == true)
    let plain = try plan(
      try recipe("c", "model.path=\(goldenPath("tiny-llama"))", "model.compute_dtype=float32"))
    #expect(plain.weights == nil)
    // Two layers of seven are numbers, and the table is most of this model.
    let files = try PretrainedFiles.open(try model())
    let storage = WeightStorage(.bfloat16)
    let expected = files.specification.sites.reduce(0) { sum, site in
      switch site.role {
      case .norm, .bias: sum + 4 * site.count
      case .linear: sum + (files.keptBytes(site, storage) ?? 2 * site.count)
      default: sum + 2 * site.count
      }
    }
    #expect(kept.memory.base == expected)
  }

  /// A run in two parts has the bytes of a run in one.
  @Test func resumesOnIt() throws {
    let whole = try recipe("whole")
    _ = try Trainer(recipe: whole, resume: false, onEvent: { _ in }).run()
    let halves = try recipe("halves")
    var steps = 0
    func trainer(resume: Bool) -> Trainer {
      Trainer(
        recipe: halves, resume: resume,
        onEvent: { if case .step = $0 { steps += 1 } }, shouldStop: { !resume && steps >= 3 })
    }
    _ = try trainer(resume: false).run()
    _ = try trainer(resume: true).run()
    let name = "adapter/adapter_model.safetensors"
    let expected = try readFile("\(whole.output.directory)/\(name)")
    #expect(try readFile("\(halves.output.directory)/\(name)") == expected)
  }

  @Test func startsFromAnAdapterOfMLX() throws {
    let first = try recipe("first", "adapter.dropout=0")
    _ = try Trainer(recipe: first, resume: false, onEvent: { _ in }).run()
    let peft = try SafetensorsFile(
      "\(first.output.directory)/adapter/adapter_model.safetensors")
    let path = folder.path("mlx")
    try createDirectory(path)
    let sources = try peft.names.map { name in
      let tensor = try peft.float32(name)
      let (rows, columns) = (tensor.shape[0], tensor.shape[1])
      let values = tensor.toArray(Float.self)
      let turned = (0..<columns).flatMap { c in (0..<rows).map { values[$0 * columns + c] } }
      let own = String(name.dropFirst("base_model.model.".count)).replacing(".weight", with: "")
        .replacing("lora_A", with: "lora_a").replacing("lora_B", with: "lora_b")
      return SafetensorsWriter.Source(name: own, dtype: "F32", shape: [columns, rows]) { emit in
        try turned.withUnsafeBytes(emit)
      }
    }
    try SafetensorsWriter.write("\(path)/adapters.safetensors", tensors: sources)
    try writeFile(
      "\(path)/adapter_config.json",
      #"{"fine_tune_type": "lora", "lora_parameters": {"rank": 4, "scale": 2.0, "dropout": 0}}"#)
    func trained(from start: String, _ name: String) throws -> [UInt8] {
      let recipe = try recipe(name, "adapter.init_from=\(start)")
      _ = try Trainer(recipe: recipe, resume: false, onEvent: { _ in }).run()
      return try readFile("\(recipe.output.directory)/adapter/adapter_model.safetensors")
    }
    let expected = try trained(from: "\(first.output.directory)/adapter", "on")
    #expect(try trained(from: path, "on-mlx") == expected)
    let other = #expect(throws: Problem.self) {
      _ = try plan(try recipe("other", "adapter.init_from=\(path)", "adapter.alpha=4"))
    }
    #expect(other?.description.contains("its alpha is 8.0") == true, "\(other?.description ?? "")")
  }
}
