import Formats
import Tensors

/// Falcon (Almazrouei et al. 2023, arXiv:2311.16867): attention and feed-forward side by side, behind one
/// layer normalization or, in the later architecture, one each; one key/value head or a few.
enum Falcon: Family {
  static let modelTypes = ["falcon", "RefinedWebModel", "RefinedWeb"]
  static let architectures = ["FalconForCausalLM", "RWForCausalLM"]

  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification {
    let isNew = config.bool("new_decoder_architecture", default: false)
    let isMultiQuery = config.bool("multi_query", default: true)
    // The first files call the numbers of layers and heads otherwise.
    let isOld = config.value("num_hidden_layers") == nil && config.value("n_layer") != nil
    let headsKey = isOld ? "n_head" : "num_attention_heads"
    let kvKey = isOld ? "n_head_kv" : "num_kv_heads"
    var layout = DecoderLayout(
      &config,
      keys: .init(
        intermediateSize: "ffn_hidden_size", layers: isOld ? "n_layer" : "num_hidden_layers",
        heads: headsKey, kvHeads: isNew || !isMultiQuery ? kvKey : nil, headDimension: nil,
        normEpsilon: "layer_norm_epsilon"),
      defaults: .init(
        vocabulary: 65024, hiddenSize: 4544, intermediateFactor: 4, layers: 32, heads: 71,
        kvHeads: isNew || !isMultiQuery ? nil : 1, normEpsilon: 1e-5, tiesEmbeddings: true))
    layout.norm.kind = .layer
    layout.feedForward = { _ in .plain }
    layout.activation = config.activation("activation", default: .gelu)
    let bias = config.bool("bias", default: false)
    layout.biases = (bias, bias, bias)
    if config.bool("alibi", default: false) {
      config.problems.append(
        "\"alibi\" is true, but positions as a bias of scores are not supported; choose a Falcon with"
          + " rotary positions")
    }
    layout.fusedHeads =
      isMultiQuery && !isNew
      ? .sequential(heads: layout.heads, kvHeads: 1)
      : .grouped(heads: layout.heads, kvHeads: layout.kvHeads)
    let rotary = config.rotary(headDimension: layout.headDimension)
    layout.rotary = { _ in rotary }
    layout.names = names
    arrange(&layout, &config, isNew: isNew)
    return layout.specification()
  }

  private static func arrange(
    _ layout: inout DecoderLayout, _ config: inout ConfigurationReader, isNew: Bool
  ) {
    let norms = config.size(
      "num_ln_in_parallel_attn", atMost: 2, default: isNew ? 2 : 1)
    guard isNew || config.bool("parallel_attn", default: true) else { return }
    layout.arrangement = .parallel
    if isNew, norms == 2 {
      (layout.names.beforeAttention, layout.names.beforeFeedForward) = ("ln_attn", "ln_mlp")
    } else {
      layout.names.beforeFeedForward = layout.names.beforeAttention
    }
  }

  private static let names = DecoderLayout.Names(
    embedding: "transformer.word_embeddings", layers: "transformer.h",
    finalNorm: "transformer.ln_f", attention: "self_attention",
    queryKeyValue: "query_key_value", attentionOutput: "dense", up: "dense_h_to_4h",
    down: "dense_4h_to_h")

  static let gguf: GGUFNaming? = GGUFNaming(
    architecture: "falcon",
    whole: [
      "transformer.word_embeddings": "token_embd", "transformer.ln_f": "output_norm",
      "lm_head": "output",
    ],
    layers: "transformer.h",
    inLayer: [
      "input_layernorm": "attn_norm", "ln_mlp": "attn_norm", "ln_attn": "attn_norm_2",
      "self_attention.query_key_value": "attn_qkv", "self_attention.dense": "attn_output",
      "mlp.dense_h_to_4h": "ffn_up", "mlp.dense_4h_to_h": "ffn_down",
    ], sequentialHeads: ["self_attention.query_key_value"])

  static func configuration(gguf keys: inout GGUFKeys) -> [(String, JSON?)] {
    let kvHeads = keys.integer("attention.head_count_kv", default: 1) ?? 1
    let norms = keys.hasTensor("blk.0.attn_norm_2.weight") ? 2 : 1
    let isNew = norms == 2 || kvHeads > 1
    let hidden = keys.integer("embedding_length") ?? 1
    let width = keys.integer("feed_forward_length", default: 4 * hidden) ?? 4 * hidden
    return [
      ("new_decoder_architecture", .bool(isNew)), ("multi_query", .bool(!isNew)),
      ("num_kv_heads", .integer(kvHeads)), ("num_ln_in_parallel_attn", .integer(norms)),
      ("parallel_attn", true), ("ffn_hidden_size", .integer(width)),
      ("layer_norm_epsilon", keys.number("attention.layer_norm_epsilon").map { .number($0) }),
      ("bias", .bool(keys.hasTensor("blk.0.attn_qkv.bias"))), ("activation", "gelu"),
    ]
  }
}
