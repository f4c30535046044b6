import Tensors

/// Qwen2 and Qwen2.5 (Yang et al. 2024, arXiv:2407.10671 and 2412.15115): Llama with biases on queries,
/// keys and values.
enum Qwen2: Family {
  static let modelTypes = ["qwen2"]
  static let architectures = ["Qwen2ForCausalLM"]

  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification {
    var layout = DecoderLayout(
      &config,
      defaults: .init(
        vocabulary: 151_936, intermediateSize: 22016, kvHeads: 32, positions: 32768))
    layout.activation = config.activation("hidden_act", default: .silu)
    let rotary = config.rotary(headDimension: layout.headDimension)
    layout.rotary = { _ in rotary }
    layout.biases.queryKeyValue = true
    layout.window = windows(&config)
    return layout.specification()
  }

  /// Layers from `max_window_layers` on see a window, where windows are used at all; `layer_types` may
  /// say it layer by layer.
  static func windows(_ config: inout ConfigurationReader) -> (Int) -> Int? {
    guard config.bool("use_sliding_window", default: false) else { return { _ in nil } }
    let window = config.optionalSize("sliding_window", default: 4096)
    if let sliding = config.slidingLayers() { return { sliding($0) ? window : nil } }
    let first = config.count("max_window_layers", default: 28)
    return { $0 >= first ? window : nil }
  }

  static let gguf: GGUFNaming? = GGUFNaming(
    architecture: "qwen2", inLayer: GGUFNaming.llamaModules)
}
