/// Llama 1 to 3 (Touvron et al. 2023, arXiv:2302.13971 and 2307.09288; Grattafiori et al. 2024,
/// arXiv:2407.21783), and the many models that took over its configuration.
enum Llama: Family {
  static let modelType = "llama"
  static let architecture = "LlamaForCausalLM"

  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification {
    var layout = DecoderLayout(&config)
    config.requireActivation("hidden_act", ["silu", "swish"])
    let bias = config.bool("attention_bias", default: false)
    layout.biases = (bias, bias, config.bool("mlp_bias", default: false))
    return layout.specification()
  }

  /// llama.cpp rotates neighbouring elements of a head, so its query and key rows are interleaved.
  static let gguf: GGUFNaming? = GGUFNaming(
    architecture: "llama",
    inLayer: [
      "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
      "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
      "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate",
      "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    ], interleavedRows: ["self_attn.q_proj", "self_attn.k_proj"])
}
