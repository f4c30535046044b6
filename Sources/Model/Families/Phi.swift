import Formats
import Tensors

/// Phi-1, Phi-1.5 and Phi-2 (Gunasekar et al. 2023, arXiv:2306.11644; Li et al. 2023, arXiv:2309.05463):
/// attention and feed-forward side by side behind one layer normalization, biases everywhere, half of a
/// head rotated.
enum Phi: Family {
  static let modelTypes = ["phi"]
  static let architectures = ["PhiForCausalLM"]

  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification {
    var keys = DecoderLayout.Keys()
    keys.headDimension = nil
    keys.normEpsilon = "layer_norm_eps"
    var layout = DecoderLayout(
      &config, keys: keys,
      defaults: .init(
        vocabulary: 51200, hiddenSize: 2048, intermediateSize: 8192, layers: 24,
        normEpsilon: 1e-5))
    layout.arrangement = .parallel
    layout.norm.kind = .layer
    layout.feedForward = { _ in .plain }
    layout.activation = config.activation("hidden_act", default: .geluTanh)
    layout.biases = (true, true, true)
    layout.headBias = true
    config.require("qk_layernorm", false)
    let rotary = config.rotary(
      headDimension: layout.headDimension, RotaryKeys(defaultFraction: 0.5))
    layout.rotary = { _ in rotary }
    layout.names.beforeFeedForward = layout.names.beforeAttention
    layout.names.attentionOutput = "dense"
    layout.names.up = "fc1"
    layout.names.down = "fc2"
    layout.names.finalNorm = "model.final_layernorm"
    return layout.specification()
  }

  static let gguf: GGUFNaming? = GGUFNaming(
    architecture: "phi2",
    whole: ["model.final_layernorm": "output_norm"],
    inLayer: [
      "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
      "self_attn.v_proj": "attn_v", "self_attn.dense": "attn_output", "mlp.fc1": "ffn_up",
      "mlp.fc2": "ffn_down",
    ])

  static func configuration(gguf keys: inout GGUFKeys) -> [(String, JSON?)] {
    [
      ("partial_rotary_factor", .number(keys.rotatedFraction())),
      ("layer_norm_eps", keys.number("attention.layer_norm_epsilon").map { .number($0) }),
      ("intermediate_size", intermediateSize(&keys)), ("hidden_act", "gelu_new"),
    ]
  }

  /// llama.cpp's converter writes four times the width, whatever it is.
  private static func intermediateSize(_ keys: inout GGUFKeys) -> JSON? {
    (keys.file.tensors["blk.0.ffn_up.weight"]?.shape.first).map { .integer($0) }
  }
}
