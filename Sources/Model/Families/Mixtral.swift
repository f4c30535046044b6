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
