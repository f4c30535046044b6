import Formats
import Tensors

/// Llama 1 to 3 (Touvron et al. 2023, arXiv:2302.13971 and 2307.09288; Grattafiori et al. 2024,
/// arXiv:2407.21783), and the many models that took over its configuration.
enum Llama: Family {
  static let modelTypes = ["llama"]
  static let architectures = ["LlamaForCausalLM"]

  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification {
    var layout = DecoderLayout(&config)
    layout.activation = config.activation("hidden_act", default: .silu)
    let rotary = config.rotary(headDimension: layout.headDimension)
    layout.rotary = { _ in rotary }
    let bias = config.bool("attention_bias", default: false)
    layout.biases = (bias, bias, config.bool("mlp_bias", default: false))
    return layout.specification()
  }

  /// llama.cpp rotates neighbouring elements of a head, so its query and key rows are interleaved.
  static let gguf: GGUFNaming? = GGUFNaming(
    architecture: "llama", inLayer: GGUFNaming.llamaModules,
    interleavedRows: ["self_attn.q_proj", "self_attn.k_proj"])

  static func configuration(gguf keys: inout GGUFKeys) -> [(String, JSON?)] {
    let (dimension, fraction) = (keys.headDimension(), keys.rotatedFraction())
    if keys.problems.isEmpty, fraction != 1 {
      keys.problems.append(
        "\(fraction) of the \(dimension) elements of a head are rotated, expected all of them")
    }
    for key in ["attention.scale", "logit_scale", "embedding_scale"] where keys.value(key) != nil {
      keys.problems.append(
        "the key \"\(keys.full(key))\" changes what the layers compute and is not supported")
    }
    return [("hidden_act", "silu")]
  }
}
