import Formats
import Tensors

/// What decoders have in common: attention and feed-forward, each around a residual connection.
///
/// A family reads sizes from the configuration, says what it does differently from Llama and how its
/// tensors are called, and asks for the specification. The initial values are Llama's.
struct DecoderLayout {
  var hiddenSize: Int
  var intermediateSize: Int
  var layerCount: Int
  var heads: Int
  /// Key/value heads; each serves `heads / kvHeads` query heads.
  var kvHeads: Int
  var headDimension: Int
  var vocabularySize: Int
  /// Whether the output head is the token table.
  var tiesEmbeddings: Bool
  var names = Names()

  var arrangement = BlockSpecification.Arrangement.sequential
  var norm: Norms
  /// The feed-forward of a layer.
  var feedForward: (_ layer: Int) -> FeedForward = { _ in .gated }
  var activation = Activation.silu
  /// Biases of the queries, keys and values; of the attention's output; of the feed-forward.
  var biases = (queryKeyValue: false, attentionOutput: false, feedForward: false)
  /// Where heads are among the rows of the one layer that makes queries, keys and values.
  var fusedHeads: FusedHeads?
  var rotary: (_ layer: Int) -> RotarySpecification? = { _ in nil }
  /// What scores are multiplied by; nil: 1 / sqrt(E).
  var attentionScale: (_ layer: Int) -> Float? = { _ in nil }
  var attentionSoftCap: Float?
  /// Tokens that a layer's attention sees, the token itself included; nil: all before it.
  var window: (_ layer: Int) -> Int? = { _ in nil }
  var queryKeyNorms = QueryKeyNorms.none

  var embeddingScale: Float = 1
  /// Learned positions; nil: there are none.
  var learnedPositions: Int?
  var residualScale: Float = 1
  var headBias = false
  var logitScale: Float = 1
  var finalSoftCap: Float?
  /// Whether linear layers are stored as [inputs, outputs].
  var storesTransposed = false

  enum FeedForward {
    case gated, plain
    case experts(Mixture)
  }

  /// Experts and what they are called.
  struct Mixture {
    var experts: Int
    /// Of a token.
    var chosen: Int
    /// Columns between the products of an expert.
    var width: Int
    var normalizes: Bool
    /// The module around them.
    var module: String
    var gate = "gate_proj"
    var up = "up_proj"
    var down = "down_proj"
  }

  enum QueryKeyNorms {
    case none
    /// One weight for all heads [E].
    case ofHeads
    /// Of all heads together, [H·E] and [G·E].
    case ofProjections
  }

  struct Norms {
    var kind = NormSpecification.Kind.rootMeanSquare
    var epsilon: Double
    /// 1 where stored weights are centred on zero.
    var weightOffset: Float = 0
  }

  // MARK: - Reading

  /// How the configuration calls the sizes.
  struct Keys {
    var hiddenSize = "hidden_size"
    var intermediateSize = "intermediate_size"
    var layers = "num_hidden_layers"
    var heads = "num_attention_heads"
    var kvHeads: String? = "num_key_value_heads"
    /// nil: always hiddenSize / heads.
    var headDimension: String? = "head_dim"
    var positions = "max_position_embeddings"
    var normEpsilon = "rms_norm_eps"
  }

  /// What transformers' class of a family has where a key is absent. Without a default a key is
  /// required.
  struct Defaults {
    var vocabulary = 32000
    var hiddenSize: Int?
    var intermediateSize: Int?
    /// In place of it, as a multiple of the hidden size.
    var intermediateFactor: Int?
    var layers = 32
    var heads = 32
    /// nil: as many as heads.
    var kvHeads: Int?
    /// nil: hiddenSize / heads.
    var headDimension: Int?
    var positions = 2048
    var normEpsilon = 1e-6
    var tiesEmbeddings = false
  }

  /// Reads the sizes.
  init(
    _ config: inout ConfigurationReader, keys: Keys = Keys(), defaults: Defaults = Defaults()
  ) {
    hiddenSize = config.size(keys.hiddenSize, atMost: 1 << 20, default: defaults.hiddenSize)
    let width = defaults.intermediateFactor.map { [hiddenSize] in $0 * hiddenSize }
    intermediateSize = config.size(
      keys.intermediateSize, atMost: 1 << 24, default: width ?? defaults.intermediateSize)
    layerCount = config.size(keys.layers, atMost: 1 << 12, default: defaults.layers)
    heads = config.size(keys.heads, atMost: 1 << 14, default: defaults.heads)
    let kvHeads = defaults.kvHeads ?? heads
    self.kvHeads =
      keys.kvHeads.map { config.size($0, atMost: 1 << 14, default: kvHeads) } ?? kvHeads
    let dimension = defaults.headDimension ?? hiddenSize / max(heads, 1)
    headDimension =
      keys.headDimension.map { config.size($0, atMost: 1 << 14, default: dimension) } ?? dimension
    vocabularySize = config.size("vocab_size", atMost: 1 << 24, default: defaults.vocabulary)
    config.positions = config.size(keys.positions, atMost: 1 << 40, default: defaults.positions)
    norm = Norms(
      epsilon: config.positive(keys.normEpsilon, atMost: 1, default: defaults.normEpsilon))
    tiesEmbeddings = config.bool("tie_word_embeddings", default: defaults.tiesEmbeddings)
    if !config.checkHeads(heads, self.kvHeads, headDimension) {
      // The problem is reported; the rest of the description needs sizes that make sense.
      (self.kvHeads, headDimension) = (heads, 2)
    }
  }

  // MARK: - Names

  /// Module names as Hugging Face has them. Those in a layer stand behind `layers`.N.
  struct Names {
    var embedding = "model.embed_tokens"
    var positions = ""
    var layers = "model.layers"
    var finalNorm = "model.norm"
    var head = "lm_head"

    /// nil: there is no norm in this place.
    var beforeAttention: String? = "input_layernorm"
    var afterAttention: String?
    var beforeFeedForward: String? = "post_attention_layernorm"
    var afterFeedForward: String?

    var attention = "self_attn"
    var query = "q_proj"
    var key = "k_proj"
    var value = "v_proj"
    /// The one layer that makes queries, keys and values.
    var queryKeyValue = "qkv_proj"
    var attentionOutput = "o_proj"
    var queryNorm = "q_norm"
    var keyNorm = "k_norm"

    var feedForward = "mlp"
    var gate = "gate_proj"
    var up = "up_proj"
    /// The one layer that makes gate and up, where there is one.
    var gateUp: String?
    var down = "down_proj"
  }

  // MARK: - Specification

  func specification() -> ModelSpecification {
    var sites = SiteList()
    sites.storesTransposed = storesTransposed
    let embedding = EmbeddingSpecification(
      weight: sites.add(.embedding, names.embedding, [vocabularySize, hiddenSize]),
      scale: embeddingScale,
      positions: learnedPositions.map { sites.add(.positions, names.positions, [$0, hiddenSize]) })
    let blocks = (0..<layerCount).map { block($0, &sites) }
    sites.layer = nil
    let finalNorm = norm(names.finalNorm, width: hiddenSize, &sites)
    let head = HeadSpecification(
      weight: tiesEmbeddings ? nil : sites.add(.head, names.head, [vocabularySize, hiddenSize]),
      bias: headBias ? sites.add(.bias, names.head, [vocabularySize]) : nil, scale: logitScale,
      softCap: finalSoftCap)
    return ModelSpecification(
      hiddenSize: hiddenSize, vocabularySize: vocabularySize, embedding: embedding, blocks: blocks,
      finalNorm: finalNorm, head: head, sites: sites.sites)
  }

  /// In the order of the forward pass, which is also the order of the sites.
  private func block(_ layer: Int, _ sites: inout SiteList) -> BlockSpecification {
    sites.layer = layer
    let name = "\(names.layers).\(layer)"
    func norm(_ module: String?) -> NormSpecification? {
      module.map { self.norm("\(name).\($0)", width: hiddenSize, &sites) }
    }
    let attentionInput = norm(names.beforeAttention)
    // In parallel both branches may share a norm.
    let isShared = arrangement == .parallel && names.beforeFeedForward == names.beforeAttention
    let parallelInput =
      arrangement == .parallel && !isShared ? norm(names.beforeFeedForward) : nil
    let attention = attention("\(name).\(names.attention)", layer, &sites)
    let attentionOutput = norm(names.afterAttention)
    let feedForwardInput =
      arrangement == .sequential
      ? norm(names.beforeFeedForward) : isShared ? attentionInput : parallelInput
    let feedForward = feedForward(name, layer, &sites)
    let feedForwardOutput = norm(names.afterFeedForward)
    return BlockSpecification(
      arrangement: arrangement, attention: attention,
      attentionNorms: ResidualNorms(input: attentionInput, output: attentionOutput),
      feedForward: feedForward,
      feedForwardNorms: ResidualNorms(input: feedForwardInput, output: feedForwardOutput),
      residualScale: residualScale)
  }

  private func attention(
    _ name: String, _ layer: Int, _ sites: inout SiteList
  ) -> AttentionSpecification {
    let (queries, keys) = (heads * headDimension, kvHeads * headDimension)
    let inputs = attentionInputs(name, &sites)
    let output = sites.linear(
      "\(name).\(names.attentionOutput)", outputs: hiddenSize, inputs: queries,
      bias: biases.attentionOutput)
    func norms(_ queryWidth: Int, _ keyWidth: Int) -> AttentionSpecification.QueryKeyNorms {
      AttentionSpecification.QueryKeyNorms(
        query: norm("\(name).\(names.queryNorm)", width: queryWidth, &sites),
        key: norm("\(name).\(names.keyNorm)", width: keyWidth, &sites))
    }
    let queryKeyNorms: AttentionSpecification.QueryKeyNorms? =
      switch queryKeyNorms {
      case .none: nil
      case .ofHeads: norms(headDimension, headDimension)
      case .ofProjections: norms(queries, keys)
      }
    return AttentionSpecification(
      inputs: inputs, output: output,
      shape: AttentionShape(
        heads: heads, kvHeads: kvHeads, headDimension: headDimension,
        scale: attentionScale(layer), softCap: attentionSoftCap, window: window(layer)),
      rotary: rotary(layer), queryKeyNorms: queryKeyNorms)
  }

  private func attentionInputs(
    _ name: String, _ sites: inout SiteList
  ) -> AttentionSpecification.Inputs {
    let (queries, keys) = (heads * headDimension, kvHeads * headDimension)
    func linear(_ part: String, _ outputs: Int) -> LinearSpecification {
      sites.linear(
        "\(name).\(part)", outputs: outputs, inputs: hiddenSize, bias: biases.queryKeyValue)
    }
    if let fusedHeads {
      return .fused(linear(names.queryKeyValue, queries + 2 * keys), fusedHeads)
    }
    let query = linear(names.query, queries)
    let key = linear(names.key, keys)
    return .separate(query: query, key: key, value: linear(names.value, keys))
  }

  private func feedForward(
    _ layerName: String, _ layer: Int, _ sites: inout SiteList
  ) -> FeedForwardSpecification {
    let name = "\(layerName).\(names.feedForward)"
    func linear(_ part: String, _ outputs: Int, _ inputs: Int) -> LinearSpecification {
      sites.linear(
        "\(name).\(part)", outputs: outputs, inputs: inputs, bias: biases.feedForward)
    }
    let width = intermediateSize
    switch feedForward(layer) {
    case .experts(let mixture):
      return .experts(experts(mixture, "\(layerName).\(mixture.module)", &sites))
    case .plain:
      let up = linear(names.up, width, hiddenSize)
      return .plain(
        PlainSpecification(
          up: up, down: linear(names.down, hiddenSize, width), activation: activation))
    case .gated: break
    }
    let inputs: GatedSpecification.Inputs
    if let gateUp = names.gateUp {
      inputs = .fused(linear(gateUp, 2 * width, hiddenSize))
    } else {
      let gate = linear(names.gate, width, hiddenSize)
      inputs = .separate(gate: gate, up: linear(names.up, width, hiddenSize))
    }
    return .gated(
      GatedSpecification(
        inputs: inputs, down: linear(names.down, hiddenSize, width), activation: activation))
  }

  private func experts(
    _ mixture: Mixture, _ name: String, _ sites: inout SiteList
  ) -> ExpertsSpecification {
    let router = sites.add(.router, "\(name).gate", [mixture.experts, hiddenSize])
    let width = mixture.width
    let experts = (0..<mixture.experts).map { expert in
      sites.expert = expert
      func linear(_ part: String, _ outputs: Int, _ inputs: Int) -> LinearSpecification {
        sites.linear("\(name).experts.\(expert).\(part)", outputs: outputs, inputs: inputs)
      }
      let gate = linear(mixture.gate, width, hiddenSize)
      let up = linear(mixture.up, width, hiddenSize)
      return ExpertsSpecification.Expert(
        gate: gate, up: up, down: linear(mixture.down, hiddenSize, width))
    }
    sites.expert = nil
    return ExpertsSpecification(
      router: router, experts: experts, chosen: mixture.chosen, normalizes: mixture.normalizes,
      activation: activation)
  }

  private func norm(
    _ module: String, width: Int, _ sites: inout SiteList
  ) -> NormSpecification {
    sites.norm(
      module, width: width, epsilon: norm.epsilon, kind: norm.kind,
      weightOffset: norm.weightOffset)
  }
}
