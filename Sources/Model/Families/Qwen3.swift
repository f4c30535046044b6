import Tensors

/// Qwen3 (Yang et al. 2025, arXiv:2505.09388): Llama with a norm on every head of the queries and keys.
enum Qwen3: Family {
  static let modelTypes = ["qwen3"]
  static let architectures = ["Qwen3ForCausalLM"]

  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification {
    var layout = DecoderLayout(
      &config,
      defaults: .init(
        vocabulary: 151_936, intermediateSize: 22016, kvHeads: 32, headDimension: 128,
        positions: 32768))
    layout.activation = config.activation("hidden_act", default: .silu)
    let rotary = config.rotary(headDimension: layout.headDimension)
    layout.rotary = { _ in rotary }
    let bias = config.bool("attention_bias", default: false)
    layout.biases = (bias, bias, false)
    layout.queryKeyNorms = .ofHeads
    layout.window = Qwen2.windows(&config)
    return layout.specification()
  }

  static let gguf: GGUFNaming? = GGUFNaming(
    architecture: "qwen3", inLayer: GGUFNaming.llamaModules)
}
