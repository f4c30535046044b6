import Formats
import Tensors

/// SmolLM3 (Hugging Face 2025): Llama in which every fourth layer does not see positions
/// (Yang et al. 2025, arXiv:2501.18795).
enum SmolLM3: Family {
  static let modelTypes = ["smollm3"]
  static let architectures = ["SmolLM3ForCausalLM"]

  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification {
    var layout = DecoderLayout(
      &config,
      defaults: .init(
        vocabulary: 128_256, hiddenSize: 2048, intermediateSize: 11008, layers: 36, heads: 16,
        kvHeads: 4, positions: 32768, tiesEmbeddings: true))
    layout.activation = config.activation("hidden_act", default: .silu)
    let bias = config.bool("attention_bias", default: false)
    layout.biases = (bias, bias, config.bool("mlp_bias", default: false))
    let rotary = config.rotary(
      headDimension: layout.headDimension, RotaryKeys(defaultTheta: 2e6))
    let isRotated = rotatedLayers(&config, count: layout.layerCount)
    layout.rotary = { isRotated($0) ? rotary : nil }
    if config.bool("use_sliding_window", default: false) {
      let window = config.optionalSize("sliding_window", default: nil)
      let sliding = config.slidingLayers() ?? { !isRotated($0) }
      layout.window = { sliding($0) ? window : nil }
    }
    return layout.specification()
  }

  /// `no_rope_layers` has a 1 for each layer that *is* rotated.
  private static func rotatedLayers(
    _ config: inout ConfigurationReader, count: Int
  ) -> (_ layer: Int) -> Bool {
    let interval = config.size("no_rope_layer_interval", atMost: 1 << 12, default: 4)
    guard let value = config.value("no_rope_layers") else {
      return { !($0 + 1).isMultiple(of: interval) }
    }
    let flags = (value.array ?? []).compactMap(\.integer)
    guard flags.count == count else {
      config.problems.append("\"no_rope_layers\" is not 0 or 1 for each of the \(count) layers")
      return { _ in true }
    }
    return { flags[$0] != 0 }
  }

  static let gguf: GGUFNaming? = GGUFNaming(
    architecture: "smollm3", inLayer: GGUFNaming.llamaModules,
    interleavedRows: ["self_attn.q_proj", "self_attn.k_proj"])
}
