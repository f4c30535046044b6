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
    let positions = try specification.embedding.positions.map {
      try files.tensor($0, type: activations)
    }
    let layers = try specification.blocks.enumerated().map { index, block in
      let layer = try loader.layer(block, index: index)
      try progress(Double(index + 1) / Double(specification.blocks.count))
      return layer
    }
    return CausalLM(
      specification: specification, embedding: embedding,
      embeddingScale: Kernels.rounded(specification.embedding.scale, to: activations),
      learnedPositions: positions, layers: layers,
      finalNorm: try loader.norm(specification.finalNorm, scale: specification.head.scale),
      head: try loader.head(specification.head, embedding: embedding), workspace: workspace)
  }
}

/// Makes the layers that a specification describes.
private struct LayerLoader {
  let files: PretrainedFiles
  let storage: WeightStorage
  /// Layers with the same rotation share its tables.
  private var rotations: [Rotation: RotaryEmbedding] = [:]

  private struct Rotation: Hashable {
    let specification: RotarySpecification
    let headDimension: Int
  }

  init(files: PretrainedFiles, storage: WeightStorage) {
    self.files = files
    self.storage = storage
  }

  mutating func layer(_ block: BlockSpecification, index: Int) throws -> DecoderLayer {
    DecoderLayer(
      arrangement: block.arrangement,
      attention: try residual(
        try attention(block.attention, layer: index), block.attentionNorms, block.residualScale),
      feedForward: try residual(
        try feedForward(block.feedForward), block.feedForwardNorms, block.residualScale))
  }

  private func residual<Branch>(
    _ branch: Branch, _ norms: ResidualNorms, _ scale: Float
  ) throws -> Residual<Branch> {
    Residual(
      branch: branch, inputNorm: try norms.input.map { try norm($0) },
      outputNorm: try norms.output.map { try norm($0) }, scale: scale)
  }

  private mutating func attention(
    _ attention: AttentionSpecification, layer: Int
  ) throws -> SelfAttention {
    let inputs: AttentionInputs =
      switch attention.inputs {
      case .separate(let query, let key, let value):
        .separate(query: try linear(query), key: try linear(key), value: try linear(value))
      case .fused(let all, let heads): .fused(try linear(all), heads)
      }
    return SelfAttention(
      inputs: inputs, output: try linear(attention.output),
      norms: try attention.queryKeyNorms.map { (try norm($0.query), try norm($0.key)) },
      rotary: attention.rotary.map {
        rotation($0, headDimension: attention.shape.headDimension)
      }, shape: attention.shape, layer: layer)
  }

  private func feedForward(_ feedForward: FeedForwardSpecification) throws -> FeedForward {
    switch feedForward {
    case .gated(let gated):
      let inputs: GatedFeedForward.Inputs =
        switch gated.inputs {
        case .separate(let gate, let up): .separate(gate: try linear(gate), up: try linear(up))
        case .fused(let both): .fused(try linear(both))
        }
      return .gated(
        GatedFeedForward(
          inputs: inputs, down: try linear(gated.down), activation: gated.activation))
    case .plain(let plain):
      return .plain(
        PlainFeedForward(
          up: try linear(plain.up), down: try linear(plain.down), activation: plain.activation))
    case .experts(let mixture):
      return .experts(
        Experts(
          router: base(try files.tensor(mixture.router, type: storage.type.dataType)),
          experts: try mixture.experts.map {
            Experts.Expert(
              gate: try linear($0.gate), up: try linear($0.up), down: try linear($0.down))
          }, chosen: mixture.chosen, normalizes: mixture.normalizes,
          activation: mixture.activation))
    }
  }

  /// A weight that is not quantized.
  private func base(_ weight: Tensor) -> BaseWeight {
    weight.dataType == .bfloat16 ? .bfloat16(weight) : .float32(weight)
  }

  /// The head, which may be the token table.
  func head(_ head: HeadSpecification, embedding: Tensor) throws -> OutputHead {
    let type = storage.type.dataType
    let weight = try head.weight.map { try files.tensor($0, type: type) } ?? embedding
    return OutputHead(
      weight: base(weight),
      bias: try head.bias.map { try files.tensor($0) }, softCap: head.softCap)
  }

  private func linear(_ linear: LinearSpecification) throws -> Linear {
    Linear(
      site: linear.weight,
      weight: try files.linear(
        linear.weight, storage: storage, valueType: storage.type.dataType),
      bias: try linear.bias.map { try files.tensor($0) })
  }

  /// - Parameter scale: Multiplies what comes out.
  func norm(_ norm: NormSpecification, scale: Float = 1) throws -> Norm {
    let weight = try files.tensor(norm.weight)
    let bias = try norm.bias.map { try files.tensor($0) }
    if norm.weightOffset != 0 { Kernels.add(norm.weightOffset, to: weight) }
    if scale != 1 {
      Kernels.scale(weight, by: scale)
      if let bias { Kernels.scale(bias, by: scale) }
    }
    return Norm(kind: norm.kind, weight: weight, bias: bias, epsilon: norm.epsilon)
  }

  private mutating func rotation(
    _ specification: RotarySpecification, headDimension: Int
  ) -> RotaryEmbedding {
    let key = Rotation(specification: specification, headDimension: headDimension)
    if let known = rotations[key] { return known }
    let rotation = RotaryEmbedding(specification, headDimension: headDimension)
    rotations[key] = rotation
    return rotation
  }
}

extension ModelSpecification {
  /// Products in bfloat16 take two elements at a time.
  fileprivate func checkPairs(path: String) throws(Problem) {
    let odd = sites.first {
      ($0.role == .linear || $0.role == .router)
        && (!$0.inputs.isMultiple(of: 2) || !$0.outputs.isMultiple(of: 2))
    }
    guard let odd else { return }
    throw Problem(
      path,
      "\(odd.module) is [\(odd.outputs), \(odd.inputs)]; bfloat16 needs even sizes, compute in float32"
    )
  }
}
