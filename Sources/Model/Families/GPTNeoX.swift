import Formats
import Tensors

/// GPT-NeoX and Pythia (Black et al. 2022, arXiv:2204.06745; Biderman et al. 2023, arXiv:2304.01373):
/// attention and feed-forward side by side behind a layer normalization each, queries, keys and values of
/// a head in neighbouring rows, a part of a head rotated.
enum GPTNeoX: Family {
  static let modelTypes = ["gpt_neox"]
  static let architectures = ["GPTNeoXForCausalLM"]

  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification {
    var layout = DecoderLayout(
      &config,
      keys: .init(kvHeads: nil, headDimension: nil, normEpsilon: "layer_norm_eps"),
      defaults: .init(
        vocabulary: 50432, hiddenSize: 6144, intermediateSize: 24576, layers: 44, heads: 64,
        normEpsilon: 1e-5))
    let isParallel = config.bool("use_parallel_residual", default: true)
    layout.arrangement = isParallel ? .parallel : .sequential
    layout.norm.kind = .layer
    layout.feedForward = { _ in .plain }
    layout.activation = config.activation("hidden_act", default: .gelu)
    let bias = config.bool("attention_bias", default: true)
    layout.biases = (bias, bias, true)
    layout.fusedHeads = .grouped(heads: layout.heads, kvHeads: layout.heads)
    let rotary = config.rotary(
      headDimension: layout.headDimension,
      RotaryKeys(theta: "rotary_emb_base", fraction: "rotary_pct", defaultFraction: 0.25))
    layout.rotary = { _ in rotary }
    layout.names = names
    return layout.specification()
  }

  private static let names = DecoderLayout.Names(
    embedding: "gpt_neox.embed_in", layers: "gpt_neox.layers",
    finalNorm: "gpt_neox.final_layer_norm", head: "embed_out", attention: "attention",
    queryKeyValue: "query_key_value", attentionOutput: "dense", up: "dense_h_to_4h",
    down: "dense_4h_to_h")

  static let gguf: GGUFNaming? = GGUFNaming(
    architecture: "gptneox",
    whole: [
      "gpt_neox.embed_in": "token_embd", "gpt_neox.final_layer_norm": "output_norm",
      "embed_out": "output",
    ],
    layers: "gpt_neox.layers",
    inLayer: [
      "input_layernorm": "attn_norm", "attention.query_key_value": "attn_qkv",
      "attention.dense": "attn_output", "post_attention_layernorm": "ffn_norm",
      "mlp.dense_h_to_4h": "ffn_up", "mlp.dense_4h_to_h": "ffn_down",
    ], sequentialHeads: ["attention.query_key_value"])

  static func configuration(gguf keys: inout GGUFKeys) -> [(String, JSON?)] {
    let theta = keys.number("rope.freq_base", default: 10000) ?? 10000
    return [
      ("rotary_pct", .number(keys.rotatedFraction())), ("rotary_emb_base", .number(theta)),
      ("use_parallel_residual", .bool(keys.bool("use_parallel_residual", default: true))),
      ("layer_norm_eps", keys.number("attention.layer_norm_epsilon").map { .number($0) }),
      ("attention_bias", .bool(keys.hasTensor("blk.0.attn_qkv.bias"))), ("hidden_act", "gelu"),
      // The old keys say it; these would be something else.
      ("rope_theta", nil), ("rope_scaling", nil),
    ]
  }
}
