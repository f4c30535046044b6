import Formats
import Tensors

/// The weights of a GGUF file under Hugging Face's names.
final class GGUFWeights: WeightFiles {
  private let file: GGUFFile
  private let headDimension: Int
  private let names: GGUFNames

  init(_ file: GGUFFile, _ configuration: LlamaConfiguration) {
    self.file = file
    headDimension = configuration.headDimension
    names = GGUFNames()
  }

  func stored(_ name: String) -> StoredTensor? {
    guard let stored = names.gguf(name), let entry = file.tensors[stored] else { return nil }
    let blocks = GGMLBlocks(rawValue: entry.type.name)
    let type: DataType? =
      switch entry.type {
      case .f16: .float16
      case .bf16: .bfloat16
      default: blocks == nil ? nil : .float32
      }
    return StoredTensor(
      path: file.path, name: stored, shape: entry.shape, type: type, typeName: entry.type.name)
  }

  func unexpected(known: Set<String>) -> [String] {
    let expected = Set(known.compactMap { names.gguf($0) })
    // The scaling of rotary frequencies has become part of the configuration.
    return file.names.filter { !expected.contains($0) && $0 != "rope_freqs.weight" }
  }

  func decode(_ name: String, into tensor: Tensor) throws(Problem) {
    guard let stored = names.gguf(name), let entry = file.tensors[stored],
      let blocks = GGMLBlocks(rawValue: entry.type.name)
    else { return }
    // llama.cpp rotates neighbouring elements, so its query and key rows are interleaved.
    let headRows = names.isRotated(name) ? headDimension : 0
    file.withBytes(of: stored) { blocks.decode($0, into: tensor, headRows: headRows) }
  }

  // Some rows are in another order, and BF16 is rare: not worth a second way of reading.
  func mapped(_ name: String, _ type: DataType) -> Tensor? { nil }

  func forget(_ name: String) {
    guard let range = names.gguf(name).flatMap({ file.tensors[$0]?.range }) else { return }
    file.file.forget(range)
  }

  func nf4(_ name: String) throws(Problem) -> NF4Weight? { nil }

  func identify(_ sum: inout SHA256Stream) {
    identify(file.file, tensors: file.names.compactMap { file.tensors[$0]?.range }, &sum)
  }
}

/// The names that llama.cpp gives to the tensors of a Llama model.
struct GGUFNames {
  private static let whole = [
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
  ]

  private static let inLayer = [
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
  ]

  /// `model.layers.3.mlp.up_proj.weight` → `blk.3.ffn_up.weight`; nil for a name of no Llama tensor.
  func gguf(_ name: String) -> String? {
    if let whole = Self.whole[name] { return whole }
    let parts = name.split(separator: ".", maxSplits: 3)
    guard parts.count == 4, parts[0] == "model", parts[1] == "layers",
      parts[3].hasSuffix(".weight"),
      let inner = Self.inLayer[String(parts[3].dropLast(".weight".count))]
    else { return nil }
    return "blk.\(parts[2]).\(inner).weight"
  }

  func isRotated(_ name: String) -> Bool {
    name.hasSuffix(".self_attn.q_proj.weight") || name.hasSuffix(".self_attn.k_proj.weight")
  }
}
