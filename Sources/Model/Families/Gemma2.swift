import Tensors

/// Gemma 2 (Gemma Team 2024, arXiv:2408.00118): four norms a layer with weights centred on zero, scores
/// and logits softly capped, every other layer's attention in a window, embeddings scaled by √D.
enum Gemma2: Family {
  static let modelType = "gemma2"
  static let architecture = "Gemma2ForCausalLM"

  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification {
    var layout = DecoderLayout(
      &config, defaults: .init(kvHeads: 4, headDimension: 256, tiesEmbeddings: true))
    config.requireActivation("hidden_activation", ["gelu_pytorch_tanh"])
    layout.activation = .geluTanh
    layout.embeddingScale = Float(layout.hiddenSize).squareRoot()
    layout.normWeightOffset = 1
    layout.norms = .init(
      afterAttention: "post_attention_layernorm", beforeFeedForward: "pre_feedforward_layernorm",
      afterFeedForward: "post_feedforward_layernorm")
    let width = config.positive("query_pre_attn_scalar", atMost: 1e6, default: 256)
    layout.attentionScale = Float(1 / width.squareRoot())
    layout.attentionSoftCap = config.optionalPositive("attn_logit_softcapping", default: 50)
    layout.finalSoftCap = config.optionalPositive("final_logit_softcapping", default: 30)
    let bias = config.bool("attention_bias", default: false)
    layout.biases = (bias, bias, false)
    let window = config.optionalSize("sliding_window", default: 4096)
    let sliding = config.slidingLayers() ?? { $0.isMultiple(of: 2) }
    layout.window = { sliding($0) ? window : nil }
    return layout.specification()
  }
}
