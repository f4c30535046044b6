import Formats
package import Tensors

/// The settings of LoRA, in PEFT's terms.
package struct LoRAConfiguration: AdapterMethod, Equatable {
  /// Rank of A and B.
  package var rank: Int
  package var alpha: Double
  /// Modules with a rank or an alpha of their own.
  package var rankPattern = ModulePattern()
  package var alphaPattern = ModulePattern()
  /// Probability that an input element of A is dropped in training.
  package var dropout: Double
  /// Rank-stabilized scaling, alpha / sqrt(r) (Kalajdzievski 2023, arXiv:2312.03732).
  package var useRSLoRA: Bool
  /// Module names or their endings, e.g. `q_proj`.
  package var targetModules: [String]
  package var baseModel: String

  package static let peftType = "LORA"

  package init(
    rank: Int, alpha: Double, dropout: Double = 0, useRSLoRA: Bool = false,
    targetModules: [String], baseModel: String
  ) {
    self.rank = rank
    self.alpha = alpha
    self.dropout = dropout
    self.useRSLoRA = useRSLoRA
    self.targetModules = targetModules
    self.baseModel = baseModel
  }

  // MARK: Modules

  /// A uniform in ±1/sqrt(K) as PEFT's Kaiming initialization gives it, B zero.
  package func make(_ site: Site, seed: UInt64, in memory: TensorPool) -> any LinearAdapter {
    let rank = rank(of: site)
    let a = Tensor.zeros([rank, site.inputs], in: memory)
    let b = Tensor.zeros([site.outputs, rank], in: memory)
    let bound = 1 / Float(site.inputs).squareRoot()
    Random.fillUniform(
      a, -bound..<bound, key: RandomKey(seed: seed, .adapterInitialization, a: UInt32(site.id)))
    return lora(site, a: a, b: b, in: memory)
  }

  package func parameterCount(_ site: Site) -> Int {
    rank(of: site) * (site.inputs + site.outputs)
  }

  /// U = drop(x) A' of each token.
  package func savedBytes(_ site: Site, tokens: Int, activations: DataType) -> Int {
    tokens * Kernels.lowRankWidth(rank(of: site), activations) * activations.size
  }

  package func read(_ site: Site, from tensors: inout AdapterTensors) -> (any LinearAdapter)? {
    let rank = rank(of: site)
    let shapes = (a: [rank, site.inputs], b: [site.outputs, rank])
    let found = tensors.take([
      (Self.tensorName(site, "lora_A"), shapes.a), (Self.tensorName(site, "lora_B"), shapes.b),
    ])
    return found.map { lora(site, a: $0[0], b: $0[1], in: nil) }
  }

  func lora(_ site: Site, a: Tensor, b: Tensor, in memory: TensorPool?) -> LoRA {
    let (rank, alpha) = (rank(of: site), alphaPattern[site.module] ?? alpha)
    let scale = useRSLoRA ? alpha / Double(rank).squareRoot() : alpha / Double(rank)
    return LoRA(
      a: Parameter(name: Self.tensorName(site, "lora_A"), value: a, in: memory),
      b: Parameter(name: Self.tensorName(site, "lora_B"), value: b, in: memory),
      alpha: alpha, scale: Float(scale), dropout: dropout, site: site.id)
  }

  private func rank(of site: Site) -> Int {
    rankPattern[site.module].flatMap { Int(exactly: $0) } ?? rank
  }

  /// `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`
  private static func tensorName(_ site: Site, _ factor: String) -> String {
    "base_model.model.\(site.module).\(factor).weight"
  }

  // MARK: Agreement

  package func disagreements(
    with other: any AdapterMethod
  ) -> [(key: String, own: String, other: String)] {
    guard let other = other as? LoRAConfiguration else {
      return [("type", Self.peftType, type(of: other).peftType)]
    }
    return [
      ("rank", "\(rank)", "\(other.rank)"), ("alpha", "\(alpha)", "\(other.alpha)"),
      ("use_rslora", "\(useRSLoRA)", "\(other.useRSLoRA)"),
    ].filter { $0.1 != $0.2 }
  }
}

/// PEFT's `rank_pattern` and `alpha_pattern`: exceptions for modules. A key is a module path, an ending
/// after a dot, or a regular expression matched as `(.*\.)?(key)$`; the first match wins.
package struct ModulePattern: Sendable, Equatable {
  package struct Entry: Sendable, Equatable {
    package let key: String
    package let value: Double

    package init(key: String, value: Double) {
      self.key = key
      self.value = value
    }
  }

  package var entries: [Entry] = []

  package init() {}

  subscript(module: String) -> Double? {
    entries.first { entry in
      if AdapterTargets.matches(module, entry.key) { return true }
      guard let regex = try? Regex("(.*\\.)?(\(entry.key))") else { return false }
      return (try? regex.wholeMatch(in: module)) != nil
    }?.value
  }
}
