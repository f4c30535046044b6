import Formats
import Model
import Tensors
import TestSupport
import Testing
import Training

/// A tiny model with what PyTorch + PEFT computed with it: Tests/Golden/tiny-llama, made by
/// scripts/golden/tiny_llama.py, or one of Tests/Golden/families, made by scripts/golden/families.py.
struct GoldenModel {
  static let families = [
    "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "phi3", "phi", "gpt2", "gpt_neox", "falcon",
    "falcon-sequential", "falcon-new", "olmo2", "smollm3", "granite", "starcoder2", "mixtral",
    "qwen3-moe", "llama-yarn", "llama-dynamic",
  ]

  let path: String
  let files: PretrainedFiles
  let rows: [(ids: [Int32], labels: [Int32])]
  let trainedTokens: Int
  let losses: [Double]
  private let tensors: SafetensorsFile

  /// What follows a prompt, greedily, without and with the adapter.
  let greedy: (prompt: [Int32], base: [Int32], adapted: [Int32])

  init(_ name: String = "tiny-llama") throws {
    path = goldenPath(name)
    files = try PretrainedFiles.open(path)
    tensors = try SafetensorsFile("\(path)/golden.safetensors")
    let json = try readJSON("\(path)/golden.json")
    func integers(_ json: JSON?) -> [Int32] {
      (json?.array ?? []).compactMap { $0.integer.map(Int32.init) }
    }
    rows = (json["rows"]?.array ?? []).map { (integers($0["ids"]), integers($0["labels"])) }
    losses = (json["losses"]?.array ?? []).compactMap(\.number)
    trainedTokens = json["trained_tokens"]?.integer ?? 0
    let continuation = json["greedy"]
    greedy = (
      integers(continuation?["prompt"]), integers(continuation?["base"]),
      integers(continuation?["adapted"])
    )
  }

  func tensor(_ name: String) throws -> Tensor { try tensors.float32(name) }

  func model() throws -> CausalLM { try CausalLM.load(files) }

  func adapters() throws -> AdapterSet {
    try PEFTDirectory.load(
      "\(path)/adapter", linears: files.specification.linears,
      baseFingerprint: files.fingerprint
    ).adapters
  }

  /// Feeds the first row token by token and expects the logits after each.
  func expectLogitsOfEveryPrefix(of model: CausalLM, within tolerance: Double) throws {
    let ids = rows[0].ids
    let expected = try tensor("base_logits")
    let cache = KeyValueCache(model.specification, capacity: ids.count)
    for (position, id) in ids.enumerated() {
      let logits = model.nextLogits([id], adapters: nil, cache: cache)
      expectClose(
        logits.toArray(Float.self), expected.rows(position..<position + 1).toArray(Float.self),
        absolute: tolerance, relative: tolerance)
    }
  }

  /// Gradients of the mean token loss over all batches, one array a parameter.
  func gradients(
    checkpointing: Bool, batches: [[(ids: [Int32], labels: [Int32])]]
  ) throws -> [[Float]] {
    let (model, adapters) = (try model(), try adapters())
    let loss = Tensor.zeros([1], .float64)
    for batch in batches {
      model.accumulateGradients(
        TokenBatch(rows: batch), adapters: adapters, objective: SupervisedObjective(),
        gradientScale: 1 / Double(trainedTokens), loss: loss, checkpointing: checkpointing,
        dropout: nil)
    }
    return adapters.parameters.map { $0.gradient.toArray(Float.self) }
  }
}
