import Formats
import Tensors

/// OLMo 2 (OLMo Team 2024, arXiv:2501.00656): Llama with norms behind attention and feed-forward in place of
/// those before, and one norm over all heads of the queries and of the keys. OLMo 3 adds windows.
enum OLMo2: Family {
  static let modelTypes = ["olmo2", "olmo3"]
  static let architectures = ["Olmo2ForCausalLM", "Olmo3ForCausalLM"]

  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification {
    var layout = DecoderLayout(
      &config, defaults: .init(vocabulary: 50304, intermediateSize: 11008, normEpsilon: 1e-5))
    layout.activation = config.activation("hidden_act", default: .silu)
    let rotary = config.rotary(headDimension: layout.headDimension)
    layout.rotary = { _ in rotary }
    let bias = config.bool("attention_bias", default: false)
    layout.biases = (bias, bias, false)
    layout.queryKeyNorms = .ofProjections
    layout.names.beforeAttention = nil
    layout.names.afterAttention = "post_attention_layernorm"
    layout.names.beforeFeedForward = nil
    layout.names.afterFeedForward = "post_feedforward_layernorm"
    if let sliding = config.slidingLayers() {
      let window = config.optionalSize("sliding_window", default: 4096)
      layout.window = { sliding($0) ? window : nil }
    } else if config.value("model_type")?.string == "olmo3" {
      let window = config.optionalSize("sliding_window", default: 4096)
      layout.window = { ($0 + 1).isMultiple(of: 4) ? nil : window }
    }
    return layout.specification()
  }

  static let gguf: GGUFNaming? = GGUFNaming(
    architecture: "olmo2",
    inLayer: GGUFNaming.llamaModules.merging([
      "post_attention_layernorm": "post_attention_norm",
      "post_feedforward_layernorm": "post_ffw_norm",
    ]) { _, own in own })
}
