import Formats
import Tensors

/// The decoder that Llama and its relatives share: norm, attention with rotary positions and grouped
/// heads, norm, gated feed-forward, with Hugging Face's names.
///
/// A family reads it from the configuration, changes what it does differently, and asks for the
/// specification. The initial values are Llama's.
struct DecoderLayout {
  var hiddenSize: Int
  var intermediateSize: Int
  var layerCount: Int
  var heads: Int
  /// Key/value heads; each serves `heads / kvHeads` query heads.
  var kvHeads: Int
  var headDimension: Int
  var vocabularySize: Int
  var normEpsilon: Double
  var rotary: RotarySpecification
  /// Whether the output head is the token table.
  var tiesEmbeddings: Bool

  var activation = Activation.silu
  var embeddingScale: Float = 1
  /// Biases of the queries, keys and values; of the attention's output; of the feed-forward.
  var biases = (queryKeyValue: false, attentionOutput: false, feedForward: false)
  /// nil: 1 / sqrt(E).
  var attentionScale: Float?
  var attentionSoftCap: Float?
  /// Tokens that a layer's attention sees, the token itself included; nil: all before it.
  var window: (_ layer: Int) -> Int? = { _ in nil }
  var normalizesHeads = false
  var normWeightOffset: Float = 0
  /// Module names of the norms in a layer. Those after attention and feed-forward may be missing.
  var norms = NormNames()
  var finalSoftCap: Float?

  struct NormNames {
    var beforeAttention = "input_layernorm"
    var afterAttention: String?
    var beforeFeedForward = "post_attention_layernorm"
    var afterFeedForward: String?
  }

  /// What differs between families where a key is absent.
  struct Defaults {
    var kvHeads: Int?
    var headDimension: Int?
    var tiesEmbeddings = false
    var theta = 10000.0
  }

  /// Reads the keys that the families have in common.
  init(_ config: inout ConfigurationReader, defaults: Defaults = Defaults()) {
    hiddenSize = config.size("hidden_size", atMost: 1 << 20)
    intermediateSize = config.size("intermediate_size", atMost: 1 << 24)
    layerCount = config.size("num_hidden_layers", atMost: 1 << 12)
    heads = config.size("num_attention_heads", atMost: 1 << 14)
    kvHeads = config.size(
      "num_key_value_heads", atMost: 1 << 14, default: defaults.kvHeads ?? heads)
    headDimension = config.size(
      "head_dim", atMost: 1 << 14, default: defaults.headDimension ?? hiddenSize / max(heads, 1))
    vocabularySize = config.size("vocab_size", atMost: 1 << 24)
    normEpsilon = config.positive("rms_norm_eps", atMost: 1, default: 1e-6)
    rotary = config.rotary(headDimension: headDimension, theta: defaults.theta)
    tiesEmbeddings = config.bool("tie_word_embeddings", default: defaults.tiesEmbeddings)
    if !config.checkHeads(heads, kvHeads, headDimension) {
      // The problem is reported; the rest of the description needs sizes that make sense.
      (kvHeads, headDimension) = (heads, 2)
    }
  }

  // MARK: - Specification

  func specification() -> ModelSpecification {
    var sites = SiteList()
    let embedding = EmbeddingSpecification(
      weight: sites.add(.embedding, "model.embed_tokens", [vocabularySize, hiddenSize]),
      scale: embeddingScale)
    let blocks = (0..<layerCount).map { block($0, &sites) }
    sites.layer = nil
    let finalNorm = norm("model.norm", &sites)
    let head = HeadSpecification(
      weight: tiesEmbeddings ? nil : sites.add(.head, "lm_head", [vocabularySize, hiddenSize]),
      softCap: finalSoftCap)
    return ModelSpecification(
      hiddenSize: hiddenSize, vocabularySize: vocabularySize, embedding: embedding, blocks: blocks,
      finalNorm: finalNorm, head: head, sites: sites.sites)
  }

  /// In the order of the forward pass, which is also the order of the sites.
  private func block(_ layer: Int, _ sites: inout SiteList) -> BlockSpecification {
    sites.layer = layer
    let name = "model.layers.\(layer)"
    let attentionInput = norm("\(name).\(norms.beforeAttention)", &sites)
    let attention = attention("\(name).self_attn", layer, &sites)
    let attentionOutput = norms.afterAttention.map { norm("\(name).\($0)", &sites) }
    let feedForwardInput = norm("\(name).\(norms.beforeFeedForward)", &sites)
    let feedForward = feedForward("\(name).mlp", &sites)
    let feedForwardOutput = norms.afterFeedForward.map { norm("\(name).\($0)", &sites) }
    return BlockSpecification(
      attention: attention,
      attentionNorms: ResidualNorms(input: attentionInput, output: attentionOutput),
      feedForward: feedForward,
      feedForwardNorms: ResidualNorms(input: feedForwardInput, output: feedForwardOutput))
  }

  private func attention(
    _ name: String, _ layer: Int, _ sites: inout SiteList
  ) -> AttentionSpecification {
    let (queries, keys) = (heads * headDimension, kvHeads * headDimension)
    func projection(_ part: String, _ outputs: Int) -> LinearSpecification {
      sites.linear(
        "\(name).\(part)", outputs: outputs, inputs: hiddenSize, bias: biases.queryKeyValue)
    }
    let query = projection("q_proj", queries)
    let key = projection("k_proj", keys)
    let value = projection("v_proj", keys)
    let output = sites.linear(
      "\(name).o_proj", outputs: hiddenSize, inputs: queries, bias: biases.attentionOutput)
    let headNorms =
      normalizesHeads
      ? AttentionSpecification.HeadNorms(
        query: norm("\(name).q_norm", width: headDimension, &sites),
        key: norm("\(name).k_norm", width: headDimension, &sites)) : nil
    return AttentionSpecification(
      query: query, key: key, value: value, output: output,
      shape: AttentionShape(
        heads: heads, kvHeads: kvHeads, headDimension: headDimension, scale: attentionScale,
        softCap: attentionSoftCap, window: window(layer)),
      rotary: rotary, headNorms: headNorms)
  }

  private func feedForward(_ name: String, _ sites: inout SiteList) -> FeedForwardSpecification {
    func linear(_ part: String, _ outputs: Int, _ inputs: Int) -> LinearSpecification {
      sites.linear(
        "\(name).\(part)", outputs: outputs, inputs: inputs, bias: biases.feedForward)
    }
    return FeedForwardSpecification(
      gate: linear("gate_proj", intermediateSize, hiddenSize),
      up: linear("up_proj", intermediateSize, hiddenSize),
      down: linear("down_proj", hiddenSize, intermediateSize), activation: activation)
  }

  private func norm(
    _ module: String, width: Int? = nil, _ sites: inout SiteList
  ) -> NormSpecification {
    sites.norm(
      module, width: width ?? hiddenSize, epsilon: normEpsilon, weightOffset: normWeightOffset)
  }
}
