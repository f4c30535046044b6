import Formats
import Tensors

/// Phi-3, Phi-3.5 and Phi-4-mini (Abdin et al. 2024, arXiv:2404.14219): Llama with one layer for queries,
/// keys and values and one for gate and up, and positions stretched by LongRoPE.
enum Phi3: Family {
  static let modelTypes = ["phi3"]
  static let architectures = ["Phi3ForCausalLM"]

  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification {
    var layout = DecoderLayout(
      &config,
      defaults: .init(
        vocabulary: 32064, hiddenSize: 3072, intermediateSize: 8192, positions: 4096,
        normEpsilon: 1e-5))
    layout.activation = config.activation("hidden_act", default: .silu)
    layout.names.gateUp = "gate_up_proj"
    layout.fusedHeads = .sequential(heads: layout.heads, kvHeads: layout.kvHeads)
    let rotary = config.rotary(
      headDimension: layout.headDimension,
      RotaryKeys(originalLength: 4096, longRoPENames: ["longrope", "su", "yarn"]))
    layout.rotary = { _ in rotary }
    let window = config.optionalSize("sliding_window", default: nil)
    layout.window = { _ in window }
    return layout.specification()
  }

  static let gguf: GGUFNaming? = GGUFNaming(
    architecture: "phi3",
    inLayer: GGUFNaming.llamaModules.merging([
      "self_attn.qkv_proj": "attn_qkv", "mlp.gate_up_proj": "ffn_up",
    ]) { _, own in own })

  static func configuration(gguf keys: inout GGUFKeys) -> [(String, JSON?)] {
    let window = keys.integer("attention.sliding_window", default: 0) ?? 0
    let length = keys.integer("rope.scaling.original_context_length", default: 4096) ?? 4096
    return [
      ("partial_rotary_factor", .number(keys.rotatedFraction())),
      ("sliding_window", window == 0 ? nil : .integer(window)),
      ("original_max_position_embeddings", .integer(length)),
    ]
  }
}
