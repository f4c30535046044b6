import Formats
import Foundation
import Model
import Tensors
import TestSupport
import Testing
import Text
import Training

/// Whole directories as transformers and PEFT write them (configuration, weights, tokenizer, template,
/// adapter), against what they compute with them: runs where FINETUNE_ORACLE names a folder with
/// `golden.json` and a directory for each family. Tests/Golden/families holds models of the same kinds that
/// are always tested.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["FINETUNE_ORACLE"] != nil))
struct OracleFamilyTests {
  static let folder = ProcessInfo.processInfo.environment["FINETUNE_ORACLE"] ?? ""
  static let golden = (try? readJSON("\(folder)/golden.json")) ?? .null
  static let families = (golden.object?.keys ?? []).filter { $0 != "made_with" }.sorted()
  static let variants = families.flatMap { family in
    (golden[family]?["variants"]?.object?.keys ?? []).map { [family, $0] }
  }

  private static func integers(_ json: JSON?) -> [Int32] {
    (json?.array ?? []).compactMap { $0.integer.map(Int32.init) }
  }

  private static func numbers(_ json: JSON?) -> [Float] {
    (json?.array ?? []).compactMap { $0.number.map(Float.init) }
  }

  private func logits(_ model: CausalLM, _ ids: [Int32], _ adapters: AdapterSet? = nil) -> [Float] {
    let cache = KeyValueCache(model.specification, capacity: ids.count)
    return model.workspace.scope {
      model.nextLogits(ids, adapters: adapters, cache: cache).toArray(Float.self)
    }
  }

  private func loss(_ model: CausalLM, _ row: JSON, _ adapters: AdapterSet? = nil) -> Double {
    let batch = TokenBatch(rows: [(Self.integers(row["ids"]), Self.integers(row["labels"]))])
    let sum = Tensor.zeros([1], .float64)
    model.accumulateLoss(batch, adapters: adapters, objective: SupervisedObjective(), loss: sum)
    return sum.scalar / Double(batch.trainedTokens)
  }

  /// Continues without a cache, as the golden numbers were made: some rotations depend on the length.
  private func continuation(
    _ model: CausalLM, _ prompt: [Int32], count: Int, _ adapters: AdapterSet? = nil
  ) -> [Int32] {
    var ids = prompt
    for _ in 0..<count {
      let logits = logits(model, ids, adapters)
      ids.append(Int32(logits.indices.max { logits[$0] < logits[$1] } ?? 0))
    }
    return Array(ids.dropFirst(prompt.count))
  }

  @Test(arguments: families) func baseModels(family: String) throws {
    let golden = try #require(Self.golden[family])
    let base = try OpenedModel(path: "\(Self.folder)/\(family)")
    let model = try base.load(WeightStorage(.float32))
    let prompt = Self.integers(golden["prompt"]?["ids"])
    let text = try #require(golden["prompt"]?["text"]?.string)
    #expect(
      Array(base.tokenizer.encode(text, addsSpecialTokens: true).prefix(prompt.count)) == prompt)
    expectClose(
      logits(model, prompt), Self.numbers(golden["logits"]?["last"]), absolute: 1e-5,
      relative: 1e-5)
    for (index, place) in (golden["logits"]?["positions"]?.array ?? []).enumerated()
    where model.specification.rotationsAgree(upTo: prompt.count) {
      expectClose(
        Array(logits(model, Array(prompt[...index])).prefix(4)), Self.numbers(place["first"]),
        absolute: 1e-5, relative: 1e-5)
    }
    let row = try #require(golden["row"])
    #expect(abs(loss(model, row) - (row["loss"]?.number ?? 0)) <= 2e-6)
    let greedy = Self.integers(golden["greedy"]?["ids"])
    #expect(continuation(model, prompt, count: greedy.count) == greedy)
  }

  @Test(arguments: families) func adapters(family: String) throws {
    let lora = try #require(Self.golden[family]?["lora"])
    let row = try #require(Self.golden[family]?["row"])
    let files = try PretrainedFiles.open("\(Self.folder)/\(family)")
    let model = try CausalLM.load(files)
    let adapters = try PEFTDirectory.load(
      "\(Self.folder)/\(family)/adapter", linears: files.specification.linears,
      baseFingerprint: files.fingerprint
    ).adapters
    #expect(abs(loss(model, row, adapters) - (lora["loss"]?.number ?? 0)) <= 2e-6)
    let batch = TokenBatch(rows: [(Self.integers(row["ids"]), Self.integers(row["labels"]))])
    model.accumulateGradients(
      batch, adapters: adapters, objective: SupervisedObjective(),
      gradientScale: 1 / Double(batch.trainedTokens), loss: Tensor.zeros([1], .float64),
      checkpointing: false, dropout: nil)
    let gradients = lora["gradients"]?.object?.members ?? []
    #expect(gradients.count == adapters.modules.count)
    for module in adapters.modules {
      let expected = try #require(lora["gradients"]?[module.site.module])
      for (parameter, key) in zip(module.adapter.parameters, ["A", "B"]) {
        let norm = parameter.gradient.toArray(Float.self).reduce(0.0) {
          $0 + Double($1) * Double($1)
        }.squareRoot()
        let wanted = expected[key]?.number ?? 0
        #expect(abs(norm / wanted - 1) <= 1e-4, "\(parameter.name): \(norm), \(wanted)")
      }
    }
    let prompt = Self.integers(Self.golden[family]?["prompt"]?["ids"])
    expectClose(
      Array(logits(model, prompt, adapters).prefix(16)), Self.numbers(lora["last_first"]),
      absolute: 1e-5, relative: 1e-5)
    let greedy = Self.integers(lora["greedy"]?["ids"])
    #expect(continuation(model, prompt, count: greedy.count, adapters) == greedy)
  }

  @Test(arguments: variants) func variantsOfTheConfiguration(name: [String]) throws {
    let golden = try #require(Self.golden[name[0]]?["variants"]?[name[1]])
    let source = "\(Self.folder)/\(name[0])"
    var config = try readJSON("\(source)/config.json")
    // As the golden numbers were made: the older spellings give way to those of the variant.
    for key in ["layer_types", "rope_scaling", "rope_theta"] { config.set(key, nil) }
    for (key, value) in golden["config"]?.object?.members ?? [] { config.set(key, value) }
    let folder = try TemporaryDirectory()
    _ = try folder.write("config.json", config.text().utf8)
    _ = try folder.write("model.safetensors", readFile("\(source)/model.safetensors"))
    let model = try CausalLM.load(try PretrainedFiles.open(folder.path))
    let prompt = Self.integers(Self.golden[name[0]]?["prompt"]?["ids"])
    expectClose(
      logits(model, prompt), Self.numbers(golden["last"]), absolute: 1e-5, relative: 1e-5)
    let row = try #require(Self.golden[name[0]]?["row"])
    #expect(abs(loss(model, row) - (golden["row_loss"]?.number ?? 0)) <= 2e-6)
  }

  @Test(arguments: families) func templates(family: String) throws {
    let chat = try #require(Self.golden[family]?["chat"])
    let base = try OpenedModel(path: "\(Self.folder)/\(family)")
    let messages = (chat["messages"]?.array ?? []).map {
      Message(role: $0["role"]?.string ?? "", content: $0["content"]?.string ?? "")
    }
    #expect(try base.renderer().text(of: messages) == chat["text"]?.string)
    #expect(
      try base.renderer().text(of: [messages[0]], addGenerationPrompt: true)
        == chat["generation_prompt"]?.string)
  }
}
