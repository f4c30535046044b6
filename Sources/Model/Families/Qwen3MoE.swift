import Formats
import Tensors

/// Qwen3 with mixtures of experts (Yang et al. 2025, arXiv:2505.09388), in all layers or in some.
enum Qwen3MoE: Family {
  static let modelTypes = ["qwen3_moe"]
  static let architectures = ["Qwen3MoeForCausalLM"]

  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification {
    var layout = DecoderLayout(
      &config,
      defaults: .init(
        vocabulary: 151_936, hiddenSize: 2048, intermediateSize: 6144, layers: 24, kvHeads: 4,
        positions: 32768))
    layout.activation = config.activation("hidden_act", default: .silu)
    let rotary = config.rotary(headDimension: layout.headDimension)
    layout.rotary = { _ in rotary }
    let bias = config.bool("attention_bias", default: false)
    layout.biases = (bias, bias, false)
    layout.queryKeyNorms = .ofHeads
    layout.window = Qwen2.windows(&config)
    // transformers 5 writes the one or the other.
    let key = config.value("num_experts") == nil ? "num_local_experts" : "num_experts"
    let experts = config.experts(key, default: 128)
    let mixture = DecoderLayout.Mixture(
      experts: experts, chosen: config.chosenExperts(of: experts, default: 8),
      width: config.size("moe_intermediate_size", atMost: 1 << 24, default: 768),
      normalizes: config.bool("norm_topk_prob", default: false), module: "mlp")
    let dense = Set((config.value("mlp_only_layers")?.array ?? []).compactMap(\.integer))
    let step = config.size("decoder_sparse_step", atMost: 1 << 12, default: 1)
    layout.feedForward = { layer in
      dense.contains(layer) || !(layer + 1).isMultiple(of: step) ? .gated : .experts(mixture)
    }
    return layout.specification()
  }

  static let gguf: GGUFNaming? = GGUFNaming(
    architecture: "qwen3moe",
    inLayer: GGUFNaming.withExperts("mlp", ("gate_proj", "up_proj", "down_proj")))

  static func configuration(gguf keys: inout GGUFKeys) -> [(String, JSON?)] {
    let experts = keys.experts(count: "num_experts")
    let width = keys.integer("expert_feed_forward_length") ?? 1
    // llama.cpp always divides the weights of the chosen by their sum.
    return experts + [("moe_intermediate_size", .integer(width)), ("norm_topk_prob", true)]
  }
}
