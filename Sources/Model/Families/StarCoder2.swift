import Formats
import Tensors

/// StarCoder2 (Lozhkov et al. 2024, arXiv:2402.19173): rotary positions and grouped heads with layer
/// normalization, biases and a feed-forward without a gate.
enum StarCoder2: Family {
  static let modelTypes = ["starcoder2"]
  static let architectures = ["Starcoder2ForCausalLM"]

  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification {
    var layout = DecoderLayout(
      &config, keys: .init(normEpsilon: "norm_epsilon"),
      defaults: .init(
        vocabulary: 49152, hiddenSize: 3072, intermediateSize: 12288, layers: 30, heads: 24,
        kvHeads: 2, positions: 4096, normEpsilon: 1e-5, tiesEmbeddings: true))
    layout.norm.kind = .layer
    layout.feedForward = { _ in .plain }
    layout.activation = config.activation("hidden_act", default: .geluTanh)
    let bias = config.bool("use_bias", default: true)
    layout.biases = (bias, bias, bias)
    let rotary = config.rotary(headDimension: layout.headDimension)
    layout.rotary = { _ in rotary }
    let window = config.optionalSize("sliding_window", default: nil)
    layout.window = { _ in window }
    layout.names.up = "c_fc"
    layout.names.down = "c_proj"
    return layout.specification()
  }

  static let gguf: GGUFNaming? = GGUFNaming(
    architecture: "starcoder2",
    inLayer: GGUFNaming.llamaModules.merging(["mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"]) {
      _, own in own
    })

  static func configuration(gguf keys: inout GGUFKeys) -> [(String, JSON?)] {
    [
      ("norm_epsilon", keys.number("attention.layer_norm_epsilon").map { .number($0) }),
      ("use_bias", .bool(keys.hasTensor("blk.0.attn_q.bias"))),
      ("hidden_act", "gelu_pytorch_tanh"),
    ]
  }
}
