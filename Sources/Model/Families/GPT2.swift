import Formats
import Tensors

/// GPT-2 (Radford et al. 2019): learned positions, layer normalization, one layer for queries, keys and
/// values, weights stored as [inputs, outputs].
enum GPT2: Family {
  static let modelTypes = ["gpt2"]
  static let architectures = ["GPT2LMHeadModel"]

  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification {
    var layout = DecoderLayout(
      &config,
      keys: .init(
        hiddenSize: "n_embd", intermediateSize: "n_inner", layers: "n_layer", heads: "n_head",
        kvHeads: nil, headDimension: nil, positions: "n_positions",
        normEpsilon: "layer_norm_epsilon"),
      defaults: .init(
        vocabulary: 50257, hiddenSize: 768, intermediateFactor: 4, layers: 12, heads: 12,
        positions: 1024, normEpsilon: 1e-5, tiesEmbeddings: true))
    layout.norm.kind = .layer
    layout.feedForward = { _ in .plain }
    layout.activation = config.activation("activation_function", default: .geluTanh)
    layout.biases = (true, true, true)
    layout.fusedHeads = .sequential(heads: layout.heads, kvHeads: layout.heads)
    layout.learnedPositions = config.positions
    layout.storesTransposed = true
    layout.attentionScale = scale(&config, headDimension: layout.headDimension)
    config.require("add_cross_attention", false)
    layout.names = names
    return layout.specification()
  }

  private static func scale(
    _ config: inout ConfigurationReader, headDimension: Int
  ) -> (Int) -> Float? {
    let isScaled = config.bool("scale_attn_weights", default: true)
    let byLayer = config.bool("scale_attn_by_inverse_layer_idx", default: false)
    let base = isScaled ? 1 / Float(headDimension).squareRoot() : 1
    return { layer in byLayer ? base / Float(layer + 1) : base }
  }

  private static let names = DecoderLayout.Names(
    embedding: "transformer.wte", positions: "transformer.wpe", layers: "transformer.h",
    finalNorm: "transformer.ln_f", beforeAttention: "ln_1", beforeFeedForward: "ln_2",
    attention: "attn", queryKeyValue: "c_attn", attentionOutput: "c_proj", up: "c_fc",
    down: "c_proj")

  /// The first files are those of the model without a head.
  static func storedNames(of name: String) -> [String] {
    let prefix = "transformer."
    return name.hasPrefix(prefix) ? [name, String(name.dropFirst(prefix.count))] : [name]
  }

  static let gguf: GGUFNaming? = GGUFNaming(
    architecture: "gpt2",
    whole: [
      "transformer.wte": "token_embd", "transformer.wpe": "position_embd",
      "transformer.ln_f": "output_norm",
    ],
    layers: "transformer.h",
    inLayer: [
      "ln_1": "attn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output",
      "ln_2": "ffn_norm", "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down",
    ])

  static let sharesLlamaKeys = false

  static func configuration(gguf keys: inout GGUFKeys) -> [(String, JSON?)] {
    [
      ("n_embd", .integer(keys.integer("embedding_length") ?? 1)),
      ("n_inner", .integer(keys.integer("feed_forward_length") ?? 1)),
      ("n_layer", .integer(keys.integer("block_count") ?? 1)),
      ("n_head", .integer(keys.integer("attention.head_count") ?? 1)),
      ("n_positions", .integer(keys.integer("context_length") ?? 1)),
      ("vocab_size", .integer(keys.vocabularySize())),
      ("layer_norm_epsilon", keys.number("attention.layer_norm_epsilon").map { .number($0) }),
      ("tie_word_embeddings", .bool(!keys.hasTensor("output.weight"))),
      ("activation_function", "gelu_new"),
    ]
  }
}
