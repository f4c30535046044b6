/// Qwen3 (Yang et al. 2025, arXiv:2505.09388): Llama with a norm on every head of the queries and keys.
enum Qwen3: Family {
  static let modelType = "qwen3"
  static let architecture = "Qwen3ForCausalLM"

  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification {
    var layout = DecoderLayout(&config, defaults: .init(kvHeads: 32, headDimension: 128))
    config.requireActivation("hidden_act", ["silu", "swish"])
    let bias = config.bool("attention_bias", default: false)
    layout.biases = (bias, bias, false)
    layout.normalizesHeads = true
    layout.window = Qwen2.windows(&config)
    return layout.specification()
  }
}
