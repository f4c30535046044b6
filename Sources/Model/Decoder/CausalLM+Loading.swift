import Formats
package import Tensors

extension CausalLM {
  /// Reads a base model.
  ///
  /// - Parameters:
  ///   - files: The opened model.
  ///   - storage: How the linear layers are kept.
  ///   - activations: float32 or bfloat16: the type of activations and of embedding and head. A weight
  ///     that is quantized is rounded to it first, as transformers does. Norms stay float32.
  ///   - workspace: Memory for activations and scratch.
  ///   - progress: Called with the fraction that is done.
  package static func load(
    _ files: PretrainedFiles, storage: WeightStorage, activations: DataType = .float32,
    workspace: Workspace = Workspace(), progress: (Double) -> Void = { _ in }
  ) throws -> CausalLM {
    if activations == .bfloat16 { try files.configuration.checkPairs(path: files.path) }
    let configuration = files.configuration
    let hidden = configuration.hiddenSize
    let rotary = RotaryEmbedding(configuration: configuration)

    func linear(_ shape: LinearShape) throws -> Linear {
      let weight = try files.linear(
        shape.name, outputs: shape.outputs, inputs: shape.inputs, storage: storage,
        valueType: activations)
      return Linear(name: shape.name, weight: weight)
    }
    func norm(_ name: String) throws -> RMSNorm {
      RMSNorm(
        weight: try files.tensor(name + ".weight", shape: [hidden]),
        epsilon: Float(configuration.rmsNormEpsilon))
    }

    let embedding = try files.tensor(
      "model.embed_tokens.weight", shape: [configuration.vocabularySize, hidden],
      type: activations)
    let layers = try (0..<configuration.layerCount).map { index in
      let name = "model.layers.\(index)"
      let shapes = configuration.linears(layer: index)
      let layer = DecoderLayer(
        attention: SelfAttention(
          query: try linear(shapes.query), key: try linear(shapes.key),
          value: try linear(shapes.value), output: try linear(shapes.output), rotary: rotary,
          heads: configuration.headCount, kvHeads: configuration.kvHeadCount),
        feedForward: FeedForward(
          gate: try linear(shapes.gate), up: try linear(shapes.up), down: try linear(shapes.down)),
        attentionNorm: try norm("\(name).input_layernorm"),
        feedForwardNorm: try norm("\(name).post_attention_layernorm"))
      progress(Double(index + 1) / Double(configuration.layerCount))
      return layer
    }
    let head =
      configuration.tieWordEmbeddings
      ? embedding
      : try files.tensor(
        "lm_head.weight", shape: [configuration.vocabularySize, hidden], type: activations)
    return CausalLM(
      configuration: configuration, embedding: embedding, layers: layers,
      finalNorm: try norm("model.norm"),
      head: activations == .bfloat16 ? .bfloat16(head) : .float32(head), workspace: workspace)
  }
}

extension LlamaConfiguration {
  /// Products in bfloat16 take two elements at a time.
  fileprivate func checkPairs(path: String) throws(Problem) {
    let odd = linears(layer: 0).all.first {
      !$0.inputs.isMultiple(of: 2) || !$0.outputs.isMultiple(of: 2)
    }
    guard let odd else { return }
    throw Problem(
      path,
      "\(odd.name) is [\(odd.outputs), \(odd.inputs)]; bfloat16 needs even sizes, compute in float32"
    )
  }
}
