import Formats
import Tensors

/// Gemma 3 (Gemma Team 2025, arXiv:2503.19786): Gemma 2 with norms of queries and keys in place of caps,
/// and two rotations, one for the layers in a window and one for the others. Of models that see pictures
/// the part that reads text.
enum Gemma3: Family {
  static let modelTypes = ["gemma3_text", "gemma3"]
  static let architectures = ["Gemma3ForCausalLM", "Gemma3ForConditionalGeneration"]

  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification {
    var layout = DecoderLayout(
      &config,
      defaults: .init(
        vocabulary: 262_208, hiddenSize: 2304, intermediateSize: 9216, layers: 26, heads: 8,
        kvHeads: 4, headDimension: 256, positions: 131_072, tiesEmbeddings: true))
    layout.activation = config.activation("hidden_activation", default: .geluTanh)
    Gemma2.shape(&layout, &config)
    layout.queryKeyNorms = .ofHeads
    layout.finalSoftCap = config.optionalPositive("final_logit_softcapping", default: nil)
    config.require("use_bidirectional_attention", false)
    let window = config.optionalSize("sliding_window", default: 4096)
    let pattern = config.size("sliding_window_pattern", atMost: 1 << 12, default: 6)
    let sliding = config.slidingLayers() ?? { !($0 + 1).isMultiple(of: pattern) }
    layout.window = { sliding($0) ? window : nil }
    let whole = config.rotary(
      headDimension: layout.headDimension,
      RotaryKeys(defaultTheta: 1e6, layerType: "full_attention"))
    let local = config.rotary(
      headDimension: layout.headDimension,
      RotaryKeys(
        theta: "rope_local_base_freq", layerType: "sliding_attention", isScaled: false))
    layout.rotary = { sliding($0) ? local : whole }
    return layout.specification()
  }

  static func textConfiguration(_ json: JSON) -> JSON {
    guard var text = json["text_config"], text.object != nil else { return json }
    text.set("model_type", .string(modelType))
    text.set("architectures", [.string(architecture)])
    let shared = [
      "bos_token_id", "eos_token_id", "pad_token_id", "tie_word_embeddings", "quantization_config",
    ]
    for key in shared where text[key] == nil {
      text.set(key, json[key])
    }
    return text
  }

  /// Within a model that sees pictures, as transformers 4 and 5 write it.
  static func storedNames(of name: String) -> [String] {
    let inner = name.hasPrefix("model.") ? String(name.dropFirst("model.".count)) : name
    return [name, "language_model.\(name)", "model.language_model.\(inner)"]
  }

  static func isIgnored(_ name: String) -> Bool {
    ["vision_tower.", "multi_modal_projector."].contains {
      name.hasPrefix($0) || name.hasPrefix("model." + $0)
    }
  }

  static let gguf: GGUFNaming? = GGUFNaming(
    architecture: "gemma3", inLayer: GGUFNaming.gemma2Modules, normWeightOffset: 1)

  static func configuration(gguf keys: inout GGUFKeys) -> [(String, JSON?)] {
    let local = keys.number("rope.freq_base_swa", default: 10000) ?? 10000
    let cap = keys.number("final_logit_softcapping", default: 0) ?? 0
    return Gemma2.shape(gguf: &keys, largest: 62) + [
      ("rope_theta", .number(keys.number("rope.freq_base", default: 1e6) ?? 1e6)),
      ("rope_local_base_freq", .number(local)),
      ("final_logit_softcapping", cap == 0 ? nil : .number(cap)),
    ]
  }
}
