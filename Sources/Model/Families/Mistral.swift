/// Mistral 7B and its successors (Jiang et al. 2023, arXiv:2310.06825): Llama with fewer key/value heads
/// and, in the first version, attention in a window.
enum Mistral: Family {
  static let modelType = "mistral"
  static let architecture = "MistralForCausalLM"

  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification {
    var layout = DecoderLayout(&config, defaults: .init(kvHeads: 8))
    config.requireActivation("hidden_act", ["silu", "swish"])
    let window = config.optionalSize("sliding_window", default: 4096)
    layout.window = { _ in window }
    return layout.specification()
  }
}
