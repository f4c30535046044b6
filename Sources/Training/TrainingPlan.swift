import Formats
package import Model
import Tensors
import Text

/// What a run is going to do, known before any weight is read.
package struct TrainingPlan {
  package let batches: BatchPlan
  package let trainRows: Int
  package let validationRows: Int
  package let droppedRows: Int
  package let truncatedRows: Int
  package let tokensPerEpoch: Int
  package let trainedTokensPerEpoch: Int
  package let totalSteps: Int
  package let adapter: LoRAConfiguration
  /// The linear layers that get an adapter.
  package let targets: [LinearShape]
  package let trainedParameters: Int
  package let memory: MemoryEstimate

  package init(recipe: Recipe, base: BaseModel, data: TrainingData) throws {
    let training = recipe.training
    let lengths = data.train.map(\.ids.count)
    batches = BatchPlan(
      lengths: lengths, microBatchSize: training.microBatchSize,
      accumulationSteps: training.gradientAccumulationSteps,
      tokenBudget: recipe.data.packing ? training.microBatchSize * recipe.data.maxLength : nil,
      shuffle: recipe.data.shuffle, seed: UInt64(training.seed))
    trainRows = data.train.count
    validationRows = data.validation.count
    droppedRows = data.verdicts.count { $0.action == .dropped }
    truncatedRows = data.verdicts.count { $0.action == .truncated }
    tokensPerEpoch = lengths.reduce(0, +)
    trainedTokensPerEpoch = data.train.reduce(0) { $0 + $1.trainedTokens }
    totalSteps =
      training.maxSteps
      ?? (0..<training.epochs).reduce(0) { [batches] in $0 + batches.steps(epoch: $1).count }
    (adapter, targets) = try Self.adapter(recipe, base: base)
    trainedParameters = targets.reduce(0) {
      [rank = adapter.rank] in $0 + rank * ($1.inputs + $1.outputs)
    }
    let longest =
      batches.steps(epoch: 0).flatMap(\.microBatches)
      .map { $0.reduce(0) { $0 + lengths[$1] } }.max() ?? 0
    memory = MemoryEstimate(
      configuration: base.files.configuration, compute: recipe.model.computeDtype,
      quantization: recipe.model.quantization, checkpointing: training.gradientCheckpointing,
      microBatchTokens: longest,
      trainedParameters: trainedParameters, adapters: targets.count, rank: adapter.rank)
  }

  /// The adapter that the recipe asks for, and the layers it goes on.
  private static func adapter(
    _ recipe: Recipe, base: BaseModel
  ) throws -> (LoRAConfiguration, [LinearShape]) {
    let linears = base.files.configuration.linears
    let section = recipe.adapter
    let targets: [String]
    switch section.targetModules {
    case .allLinear:
      targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    case .named(let names): targets = names
    }
    let modules = Set(
      try LoRAConfiguration.resolve(
        targets: targets, among: linears.map(\.name), place: "adapter.target_modules"))
    let configuration = LoRAConfiguration(
      rank: section.rank, alpha: section.alpha, dropout: section.dropout,
      useRSLoRA: section.useRslora, targetModules: targets, baseModel: recipe.model.path)
    return (configuration, linears.filter { modules.contains($0.name) })
  }
}

/// Where the memory of a run goes, in bytes; computed from sizes alone.
package struct MemoryEstimate: Sendable {
  package let base: Int
  package let adapter: Int
  package let activations: Int
  package var total: Int { base + adapter + activations }

  init(
    configuration: LlamaConfiguration, compute: ComputeType, quantization: Quantization?,
    checkpointing: Bool, microBatchTokens tokens: Int, trainedParameters: Int, adapters: Int,
    rank: Int
  ) {
    let (hidden, inner) = (configuration.hiddenSize, configuration.intermediateSize)
    let queries = configuration.headCount * configuration.headDimension
    let keys = configuration.kvHeadCount * configuration.headDimension
    let linear = configuration.linears.reduce(0) { $0 + $1.inputs * $1.outputs }
    let tables =
      configuration.vocabularySize * hidden * (configuration.tieWordEmbeddings ? 1 : 2)
    let element = compute == .bfloat16 ? 2 : 4
    // 4 bits a weight and one float32 (or about one byte, nested) for each block of 64.
    base = tables * element + (quantization == .nf4 ? linear / 2 + linear / 16 : linear * element)
    // Value, gradient and two moments, float32.
    adapter = trainedParameters * 16
    let layers = configuration.layerCount
    let low = adapters / max(layers, 1) * rank
    // Bytes a token and layer; the residual stream is float32 in either type.
    let saved =
      (2 * queries + 2 * keys + 2 * inner + low) * element
      + (2 * hidden + configuration.headCount + 2) * 4
    let kept = checkpointing ? layers * hidden * 4 + saved : layers * saved
    // One layer's backward pass at a time: gradients of what it saved.
    let scratch = (2 * hidden + 3 * inner + 2 * queries + 2 * keys) * element + 4 * hidden * 4
    activations = tokens * (kept + scratch) + LogitsMemory.bytes(compute)
  }

  private enum LogitsMemory {
    /// The loss makes logits in chunks of about this size.
    static func bytes(_ compute: ComputeType) -> Int { compute == .bfloat16 ? 128 << 20 : 32 << 20 }
  }
}
