import Formats
import Model
import Tensors

/// The keys of a GGUF file that describe the layers, such as `llama.block_count`, made from the
/// specification; and what llama.cpp cannot compute, found before any work.
struct GGUFModelMetadata {
  let configuration: ModelConfiguration
  let architecture: String
  /// What stands in the way of an export.
  private(set) var problems: [String] = []
  /// Where llama.cpp computes something else, but the file is of use.
  private(set) var warnings: [String] = []
  private(set) var fields: [(key: String, value: GGUFField)] = []

  /// Tensors that are no weights, such as divisors of frequencies.
  private(set) var tables: [GGUFPositions.Table] = []

  private var specification: ModelSpecification { configuration.specification }

  init(_ configuration: ModelConfiguration, architecture: String) {
    self.configuration = configuration
    self.architecture = architecture
    addSizes()
    addAttention()
    let positions = GGUFPositions(configuration, architecture: architecture)
    for (key, value) in positions.fields { add(key, value) }
    tables = positions.tables
    problems += positions.problems
    addWindows()
    addFactors()
    checkLayers()
  }

  private mutating func add(_ key: String, _ value: GGUFField) {
    fields.append(("\(architecture).\(key)", value))
  }

  private mutating func add(_ key: String, _ value: Int) { add(key, .uint32(UInt32(value))) }

  // MARK: - Sizes

  private mutating func addSizes() {
    add("context_length", min(configuration.maxPositionEmbeddings, Int(UInt32.max)))
    add("embedding_length", specification.hiddenSize)
    add("block_count", specification.blocks.count)
    let widths = Set(specification.blocks.map(\.feedForward.width))
    if widths.count > 1 { problems.append("layers of different widths, \(widths.sorted())") }
    let width = specification.blocks.first?.feedForward.width ?? 0
    add("feed_forward_length", width)
    addExperts(width: width)
    add("vocab_size", specification.vocabularySize)
    let norm = specification.finalNorm
    add(
      norm.kind == .layer
        ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon",
      .float32(norm.epsilon))
  }

  private mutating func addExperts(width: Int) {
    let mixtures = specification.blocks.compactMap(\.feedForward.experts)
    guard let mixture = mixtures.first else { return }
    if mixtures.count < specification.blocks.count { problems.append("layers without experts") }
    if mixtures.contains(where: { !$0.normalizes }) {
      problems.append("weights of experts that are not divided by their sum")
    }
    add("expert_count", mixture.experts.count)
    add("expert_used_count", mixture.chosen)
    if architecture != "llama" { add("expert_feed_forward_length", width) }
  }

  // MARK: - Attention

  private mutating func addAttention() {
    guard let shape = specification.blocks.first?.attention.shape else { return }
    let others = specification.blocks.map(\.attention.shape).filter {
      ($0.heads, $0.kvHeads, $0.headDimension) != (shape.heads, shape.kvHeads, shape.headDimension)
    }
    if !others.isEmpty { problems.append("layers with different numbers of heads") }
    add("attention.head_count", shape.heads)
    add("attention.head_count_kv", shape.kvHeads)
    add("attention.key_length", shape.headDimension)
    add("attention.value_length", shape.headDimension)
    if let cap = shape.softCap { add("attn_logit_softcapping", .float32(cap)) }
    if let cap = specification.head.softCap { add("final_logit_softcapping", .float32(cap)) }
    if shape.softCap != nil, architecture != "gemma2" { problems.append("a soft cap on scores") }
    if specification.head.softCap != nil, !["gemma2", "gemma3"].contains(architecture) {
      problems.append("a soft cap on logits")
    }
  }

  /// Scores are scaled by the head's dimension, in the largest Gemmas by the hidden size's share.
  private func standardScale(_ shape: AttentionShape) -> Float {
    let isLargeGemma =
      (architecture == "gemma2" && specification.blocks.count == 46)
      || (architecture == "gemma3" && specification.blocks.count == 62)
    let width = isLargeGemma ? specification.hiddenSize / shape.heads : shape.headDimension
    return 1 / Float(width).squareRoot()
  }

  // MARK: - Factors

  private mutating func addFactors() {
    let scales = Set(specification.blocks.map(\.attention.shape.scale))
    let residual = Set(specification.blocks.map(\.residualScale))
    if architecture == "granite", scales.count == 1, residual.count == 1 {
      add("attention.scale", .float32(scales.first ?? 1))
      add("residual_scale", .float32(residual.first ?? 1))
      add("embedding_scale", .float32(specification.embedding.scale))
      add("logit_scale", .float32(1 / specification.head.scale))
      return
    }
    let differs = specification.blocks.contains {
      let standard = standardScale($0.attention.shape)
      return abs($0.attention.shape.scale - standard) > 1e-6 * standard
    }
    if differs { problems.append("scores that are not scaled by 1 / √(head dimension)") }
    if residual != [1] { problems.append("a factor on branches of the residual stream") }
    if specification.head.scale != 1 { problems.append("a factor on logits") }
    // Gemma's is computed at run time.
    if specification.embedding.scale != 1, !architecture.hasPrefix("gemma") {
      problems.append("a factor on embeddings")
    }
  }

  // MARK: - Windows

  /// Layers that see a window, where llama.cpp has a place for that; else the model is another beyond it.
  private mutating func addWindows() {
    let windows = specification.blocks.map(\.attention.shape.window)
    let sizes = Set(windows.compactMap { $0 })
    guard let size = sizes.first else { return }
    guard let period = ["gemma2": 2, "gemma3": 6][architecture], sizes.count == 1 else {
      if configuration.maxPositionEmbeddings > size {
        warnings.append(
          "llama.cpp ignores the attention window of \(size) tokens in models of this architecture;"
            + " beyond \(size) tokens answers are not the trained model's")
      }
      if architecture == "phi3" { add("attention.sliding_window", size) }
      return
    }
    add("attention.sliding_window", size)
    let isStandard = windows.enumerated().allSatisfy {
      ($0.element != nil) == ($0.offset % period < period - 1)
    }
    if !isStandard {
      add("attention.sliding_window_pattern", .bools(windows.map { $0 != nil }))
    }
  }

  // MARK: - Layers

  /// Architectures whose activation is fixed to SiLU, and those whose linear layers may have biases.
  private static let silu: Set = [
    "llama", "qwen2", "qwen3", "qwen3moe", "phi3", "olmo2", "smollm3", "granite",
  ]
  private static let biased: Set = [
    "llama", "qwen2", "granite", "phi2", "gpt2", "gptneox", "falcon", "starcoder2",
  ]

  private mutating func checkLayers() {
    let isParallel = specification.blocks.contains { $0.arrangement == .parallel }
    switch architecture {
    case "gptneox": add("use_parallel_residual", .bool(isParallel))
    case "falcon":
      add("tensor_data_layout", .string("jploski"))
      fallthrough
    case "phi2": if !isParallel { problems.append("attention before the feed-forward network") }
    default: break
    }
    let activations = Set(specification.blocks.map(\.feedForward.activation))
    if Self.silu.contains(architecture), activations != [.silu] {
      problems.append("an activation other than SiLU")
    }
    if !Self.silu.contains(architecture), activations.contains(.silu) {
      problems.append("SiLU as activation")
    }
    if !Self.biased.contains(architecture),
      let bias = specification.sites.first(where: { $0.role == .bias })
    {
      problems.append("biases, such as \"\(bias.name)\"")
    }
  }
}

extension FeedForwardSpecification {
  fileprivate var width: Int {
    switch self {
    case .gated(let gated): gated.width
    case .plain(let plain): plain.width
    case .experts(let experts): experts.width
    }
  }

  fileprivate var activation: Activation {
    switch self {
    case .gated(let gated): gated.activation
    case .plain(let plain): plain.activation
    case .experts(let experts): experts.activation
    }
  }
}
