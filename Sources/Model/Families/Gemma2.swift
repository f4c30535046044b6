import Formats
import Tensors

/// Gemma 2 (Gemma Team 2024, arXiv:2408.00118): Gemma with four norms a layer, scores and logits softly
/// capped, and every other layer's attention in a window.
enum Gemma2: Family {
  static let modelTypes = ["gemma2"]
  static let architectures = ["Gemma2ForCausalLM"]

  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification {
    var layout = DecoderLayout(
      &config,
      defaults: .init(
        vocabulary: 256_000, hiddenSize: 2304, intermediateSize: 9216, layers: 26, heads: 8,
        kvHeads: 4, headDimension: 256, positions: 8192, tiesEmbeddings: true))
    layout.activation = config.activation("hidden_activation", default: .geluTanh)
    let rotary = config.rotary(headDimension: layout.headDimension)
    layout.rotary = { _ in rotary }
    shape(&layout, &config)
    layout.attentionSoftCap = config.optionalPositive("attn_logit_softcapping", default: 50)
    layout.finalSoftCap = config.optionalPositive("final_logit_softcapping", default: 30)
    let window = config.optionalSize("sliding_window", default: 4096)
    let sliding = config.slidingLayers() ?? { $0.isMultiple(of: 2) }
    layout.window = { sliding($0) ? window : nil }
    return layout.specification()
  }

  /// What Gemma 3 has too.
  static func shape(_ layout: inout DecoderLayout, _ config: inout ConfigurationReader) {
    Gemma.scale(&layout)
    layout.names.afterAttention = "post_attention_layernorm"
    layout.names.beforeFeedForward = "pre_feedforward_layernorm"
    layout.names.afterFeedForward = "post_feedforward_layernorm"
    let width = config.positive("query_pre_attn_scalar", atMost: 1e6, default: 256)
    let scale = Float(1 / width.squareRoot())
    layout.attentionScale = { _ in scale }
    let bias = config.bool("attention_bias", default: false)
    layout.biases = (bias, bias, false)
  }

  static let gguf: GGUFNaming? = GGUFNaming(
    architecture: "gemma2", inLayer: GGUFNaming.gemma2Modules, normWeightOffset: 1)

  static func configuration(gguf keys: inout GGUFKeys) -> [(String, JSON?)] {
    shape(gguf: &keys, largest: 46) + [
      (
        "attn_logit_softcapping",
        keys.number("attn_logit_softcapping", default: 50).map { .number($0) }
      ),
      (
        "final_logit_softcapping",
        keys.number("final_logit_softcapping", default: 30).map { .number($0) }
      ),
    ]
  }

  /// Files do not say what scores are scaled by: the largest models, which are known by their layers,
  /// have another scale than 1 / sqrt(E).
  static func shape(gguf keys: inout GGUFKeys, largest: Int) -> [(String, JSON?)] {
    let isLargest = keys.integer("block_count") == largest
    let (hidden, heads) = (keys.integer("embedding_length"), keys.integer("attention.head_count"))
    let scalar = isLargest ? (hidden ?? 1) / max(heads ?? 1, 1) : keys.headDimension()
    let window = keys.integer("attention.sliding_window", default: 4096) ?? 4096
    return [
      ("query_pre_attn_scalar", .integer(scalar)), ("sliding_window", .integer(window)),
      ("hidden_activation", "gelu_pytorch_tanh"), ("layer_types", layerTypes(&keys)),
    ]
  }

  /// Where the file says which layers see a window: a number for a pattern, or true for each that does.
  private static func layerTypes(_ keys: inout GGUFKeys) -> JSON? {
    let layers = keys.integer("block_count") ?? 0
    func types(_ isSliding: (Int) -> Bool) -> JSON {
      .array((0..<layers).map { isSliding($0) ? "sliding_attention" : "full_attention" })
    }
    let value = keys.value("attention.sliding_window_pattern")
    if let flags = value?.bools, flags.count == layers { return types { flags[$0] } }
    if let pattern = value?.integer, pattern > 0 {
      return types { !($0 + 1).isMultiple(of: pattern) }
    }
    return nil
  }
}
