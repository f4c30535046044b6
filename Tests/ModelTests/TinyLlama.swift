import Formats
import Model
import Tensors
import TestSupport
import Training

/// Tests/Golden/tiny-llama, made by scripts/golden/tiny_llama.py.
struct TinyLlama {
  static let path = goldenPath("tiny-llama")

  let files: PretrainedFiles
  let rows: [(ids: [Int32], labels: [Int32])]
  let trainedTokens: Int
  let losses: [Double]
  private let tensors: SafetensorsFile

  init() throws {
    files = try PretrainedFiles.open(Self.path)
    tensors = try SafetensorsFile("\(Self.path)/golden.safetensors")
    let json = try readJSON("\(Self.path)/golden.json")
    func integers(_ json: JSON?) -> [Int32] {
      (json?.array ?? []).compactMap { $0.integer.map(Int32.init) }
    }
    rows = (json["rows"]?.array ?? []).map { (integers($0["ids"]), integers($0["labels"])) }
    losses = (json["losses"]?.array ?? []).compactMap(\.number)
    trainedTokens = json["trained_tokens"]?.integer ?? 0
  }

  func tensor(_ name: String) throws -> Tensor { try tensors.float32(name) }

  func model() throws -> CausalLM { try CausalLM.load(files) }

  func adapters() throws -> AdapterSet {
    try PEFTDirectory.load(
      "\(Self.path)/adapter", linears: files.specification.linears,
      baseFingerprint: files.fingerprint
    ).adapters
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
