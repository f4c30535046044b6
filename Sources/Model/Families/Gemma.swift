import Formats
import Tensors

/// Gemma (Gemma Team 2024, arXiv:2403.08295): Llama with weights of norms centred on zero, a GELU in the
/// gate and embeddings scaled by √D.
enum Gemma: Family {
  static let modelTypes = ["gemma"]
  static let architectures = ["GemmaForCausalLM"]

  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification {
    var layout = DecoderLayout(
      &config,
      defaults: .init(
        vocabulary: 256_000, hiddenSize: 3072, intermediateSize: 24576, layers: 28, heads: 16,
        kvHeads: 16, headDimension: 256, positions: 8192, tiesEmbeddings: true))
    // The first files say "gelu" and mean its approximation, as `hidden_activation` later said.
    let named = config.value("hidden_activation") == nil ? "hidden_act" : "hidden_activation"
    layout.activation = config.activation(named, default: .geluTanh)
    if named == "hidden_act", layout.activation == .gelu { layout.activation = .geluTanh }
    let rotary = config.rotary(headDimension: layout.headDimension)
    layout.rotary = { _ in rotary }
    let bias = config.bool("attention_bias", default: false)
    layout.biases = (bias, bias, false)
    scale(&layout)
    return layout.specification()
  }

  /// What all generations have.
  static func scale(_ layout: inout DecoderLayout) {
    layout.embeddingScale = Float(layout.hiddenSize).squareRoot()
    layout.norm.weightOffset = 1
  }

  static let gguf: GGUFNaming? = GGUFNaming(
    architecture: "gemma", inLayer: GGUFNaming.llamaModules, normWeightOffset: 1)

  static func configuration(gguf keys: inout GGUFKeys) -> [(String, JSON?)] {
    [("hidden_act", "gelu_pytorch_tanh")]
  }
}
