import Formats
package import Tensors

extension CausalLM {
  /// Reads a base model.
  ///
  /// - Parameters:
  ///   - files: The opened model.
  ///   - storage: How the linear layers are held. Its type is also that of activations, embedding and
  ///     head, and a weight that is quantized is rounded to it first, as transformers does. Norms and
  ///     biases stay float32.
  ///   - workspace: Memory for activations and scratch.
  ///   - progress: Called with the fraction that is done; what it throws ends the loading.
  package static func load(
    _ files: PretrainedFiles, storage: WeightStorage = WeightStorage(.float32),
    workspace: Workspace = Workspace(), progress: (Double) throws -> Void = { _ in }
  ) throws -> CausalLM {
    let specification = files.specification
    let activations = storage.type.dataType
    if activations == .bfloat16 { try specification.checkPairs(path: files.path) }
    var loader = LayerLoader(files: files, storage: storage)
    defer { files.finishReading() }
    let embedding = try files.tensor(specification.embedding.weight, type: activations)
    let layers = try specification.blocks.enumerated().map { index, block in
      let layer = try loader.layer(block, index: index)
      try progress(Double(index + 1) / Double(specification.blocks.count))
      return layer
    }
    let head = try specification.head.weight.map { try files.tensor($0, type: activations) }
    return CausalLM(
      specification: specification, embedding: embedding,
      embeddingScale: Kernels.rounded(specification.embedding.scale, to: activations),
      layers: layers, finalNorm: try loader.norm(specification.finalNorm),
      head: OutputHead(
        weight: activations == .bfloat16
          ? .bfloat16(head ?? embedding) : .float32(head ?? embedding),
        softCap: specification.head.softCap), workspace: workspace)
  }
}

/// Makes the layers that a specification describes.
private struct LayerLoader {
  let files: PretrainedFiles
  let storage: WeightStorage
  /// Layers with the same rotation share its tables.
  private var rotations: [RotarySpecification: RotaryEmbedding] = [:]

  init(files: PretrainedFiles, storage: WeightStorage) {
    self.files = files
    self.storage = storage
  }

  mutating func layer(_ block: BlockSpecification, index: Int) throws -> DecoderLayer {
    DecoderLayer(
      attention: Residual(
        branch: try attention(block.attention, layer: index),
        inputNorm: try norm(block.attentionNorms.input),
        outputNorm: try block.attentionNorms.output.map(norm)),
      feedForward: Residual(
        branch: try feedForward(block.feedForward),
        inputNorm: try norm(block.feedForwardNorms.input),
        outputNorm: try block.feedForwardNorms.output.map(norm)))
  }

  private mutating func attention(
    _ attention: AttentionSpecification, layer: Int
  ) throws -> SelfAttention {
    SelfAttention(
      query: try linear(attention.query), key: try linear(attention.key),
      value: try linear(attention.value), output: try linear(attention.output),
      headNorms: try attention.headNorms.map { (try norm($0.query), try norm($0.key)) },
      rotary: rotation(attention.rotary), shape: attention.shape, layer: layer)
  }

  private func feedForward(_ feedForward: FeedForwardSpecification) throws -> FeedForward {
    FeedForward(
      gate: try linear(feedForward.gate), up: try linear(feedForward.up),
      down: try linear(feedForward.down), activation: feedForward.activation)
  }

  private func linear(_ linear: LinearSpecification) throws -> Linear {
    Linear(
      site: linear.weight,
      weight: try files.linear(
        linear.weight, storage: storage, valueType: storage.type.dataType),
      bias: try linear.bias.map { try files.tensor($0) })
  }

  func norm(_ norm: NormSpecification) throws -> RMSNorm {
    let weight = try files.tensor(norm.weight)
    if norm.weightOffset != 0 { Kernels.add(norm.weightOffset, to: weight) }
    return RMSNorm(weight: weight, epsilon: norm.epsilon)
  }

  private mutating func rotation(_ specification: RotarySpecification) -> RotaryEmbedding {
    if let known = rotations[specification] { return known }
    let rotation = RotaryEmbedding(specification)
    rotations[specification] = rotation
    return rotation
  }
}

extension ModelSpecification {
  /// Products in bfloat16 take two elements at a time.
  fileprivate func checkPairs(path: String) throws(Problem) {
    let odd = linears.first { !$0.inputs.isMultiple(of: 2) || !$0.outputs.isMultiple(of: 2) }
    guard let odd else { return }
    throw Problem(
      path,
      "\(odd.module) is [\(odd.outputs), \(odd.inputs)]; bfloat16 needs even sizes, compute in float32"
    )
  }
}
