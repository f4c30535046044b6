import Tensors

/// Mistral 7B and its successors (Jiang et al. 2023, arXiv:2310.06825): Llama with fewer key/value heads
/// and, in the first version, attention in a window.
enum Mistral: Family {
  static let modelTypes = ["mistral"]
  static let architectures = ["MistralForCausalLM"]

  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification {
    var layout = DecoderLayout(
      &config, defaults: .init(intermediateSize: 14336, kvHeads: 8, positions: 131_072))
    layout.activation = config.activation("hidden_act", default: .silu)
    let rotary = config.rotary(headDimension: layout.headDimension)
    layout.rotary = { _ in rotary }
    let window = config.optionalSize("sliding_window", default: 4096)
    layout.window = { _ in window }
    return layout.specification()
  }

  static let gguf = Llama.gguf
}
