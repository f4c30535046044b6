import Formats
import Tensors

/// Granite 3 (Granite Team 2024): Llama with factors for embeddings, scores, branches and logits.
enum Granite: Family {
  static let modelTypes = ["granite"]
  static let architectures = ["GraniteForCausalLM"]

  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification {
    var layout = DecoderLayout(&config)
    layout.activation = config.activation("hidden_act", default: .silu)
    let rotary = config.rotary(headDimension: layout.headDimension)
    layout.rotary = { _ in rotary }
    let bias = config.bool("attention_bias", default: false)
    layout.biases = (bias, bias, config.bool("mlp_bias", default: false))
    func factor(_ key: String) -> Float { Float(config.positive(key, atMost: 1e6, default: 1)) }
    layout.embeddingScale = factor("embedding_multiplier")
    let scale = factor("attention_multiplier")
    layout.attentionScale = { _ in scale }
    layout.residualScale = factor("residual_multiplier")
    layout.logitScale = 1 / factor("logits_scaling")
    return layout.specification()
  }

  static let gguf: GGUFNaming? = GGUFNaming(
    architecture: "granite", inLayer: GGUFNaming.llamaModules,
    interleavedRows: ["self_attn.q_proj", "self_attn.k_proj"])

  static func configuration(gguf keys: inout GGUFKeys) -> [(String, JSON?)] {
    let dimension = Double(keys.headDimension())
    let scale = keys.number("attention.scale", default: 1 / dimension.squareRoot()) ?? 1
    return [
      ("attention_multiplier", .number(scale)),
      ("embedding_multiplier", .number(keys.number("embedding_scale", default: 1) ?? 1)),
      ("residual_multiplier", .number(keys.number("residual_scale", default: 1) ?? 1)),
      ("logits_scaling", .number(keys.number("logit_scale") ?? 1)),
    ]
  }
}
