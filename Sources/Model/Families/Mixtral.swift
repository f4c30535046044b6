import Formats
import Tensors

/// Mixtral (Jiang et al. 2024, arXiv:2401.04088): Mistral with a mixture of experts in every layer.
enum Mixtral: Family {
  static let modelTypes = ["mixtral"]
  static let architectures = ["MixtralForCausalLM"]

  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification {
    var layout = DecoderLayout(
      &config,
      defaults: .init(
        intermediateSize: 14336, kvHeads: 8, positions: 131_072, normEpsilon: 1e-5))
    layout.activation = config.activation("hidden_act", default: .silu)
    let rotary = config.rotary(
      headDimension: layout.headDimension, RotaryKeys(defaultTheta: 1e6))
    layout.rotary = { _ in rotary }
    let window = config.optionalSize("sliding_window", default: nil)
    layout.window = { _ in window }
    let experts = config.experts("num_local_experts", default: 8)
    let mixture = DecoderLayout.Mixture(
      experts: experts, chosen: config.chosenExperts(of: experts, default: 2),
      width: layout.intermediateSize, normalizes: true, module: "block_sparse_moe", gate: "w1",
      up: "w3", down: "w2")
    layout.feedForward = { _ in .experts(mixture) }
    return layout.specification()
  }

  /// llama.cpp's Llama has experts or has none.
  static let gguf: GGUFNaming? = GGUFNaming(
    architecture: "llama",
    inLayer: GGUFNaming.withExperts("block_sparse_moe", ("w1", "w3", "w2")),
    interleavedRows: ["self_attn.q_proj", "self_attn.k_proj"])

  static func reads(gguf keys: GGUFKeys) -> Bool { (keys.value("expert_count")?.integer ?? 0) > 0 }

  static func configuration(gguf keys: inout GGUFKeys) -> [(String, JSON?)] {
    Llama.configuration(gguf: &keys) + keys.experts(count: "num_local_experts")
  }
}

extension GGUFKeys {
  /// What a mixture of experts says, under the names of config.json.
  ///
  /// - Parameter count: What the family calls the number of experts.
  mutating func experts(count: String) -> [(String, JSON?)] {
    if hasTensor("blk.0.ffn_gate.0.weight") {
      report(
        "the experts of a layer are tensors of their own, such as \"blk.0.ffn_gate.0.weight\", as in"
          + " files from before April 2024; expected one tensor for all; convert the model again")
    }
    return [
      (count, .integer(integer("expert_count") ?? 1)),
      ("num_experts_per_tok", .integer(integer("expert_used_count") ?? 1)),
    ]
  }
}

extension ConfigurationReader {
  /// The number of experts of a layer.
  mutating func experts(_ key: String, default standard: Int) -> Int {
    size(key, atMost: Kernels.mostExperts, default: standard)
  }

  /// How many of them a token goes to.
  mutating func chosenExperts(of experts: Int, default standard: Int) -> Int {
    let chosen = size("num_experts_per_tok", atMost: 1 << 20, default: standard)
    if chosen > experts {
      problems.append(
        "\"num_experts_per_tok\" is \(chosen), but there are only \(experts) experts")
    }
    return min(chosen, experts)
  }
}
