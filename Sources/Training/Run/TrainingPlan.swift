import Formats
package import Model
package import Recipes
import Rows
package import Tensors
import Text

/// What a run is going to do, known before any weight is read.
package struct TrainingPlan {
  package let batches: BatchPlan
  /// Whether what rows of a micro-batch begin with in common is computed once.
  package let sharesPrefixes: Bool
  package let trainRows: Int
  /// Rows that the first epoch sees: others than all where sources have weights or numbers of samples.
  package let rowsPerEpoch: Int
  package let validationRows: Int
  package let droppedRows: Int
  package let truncatedRows: Int
  /// Of the first epoch, as all that follows.
  package let tokensPerEpoch: Int
  /// Tokens that the first epoch computes: those of the rows without what they share.
  package let computedTokensPerEpoch: Int
  package let trainedTokensPerEpoch: Int
  package let totalSteps: Int
  package let adapter: any AdapterMethod
  /// The linear layers that get an adapter.
  package let targets: [Site]
  package let trainedParameters: Int
  package let memory: MemoryPlan
  /// What happens to the weights of a checkpoint that is quantized; nil where it is not.
  package let weights: String?
  /// What speaks against the plan although it can be carried out, as sentences.
  package let warnings: [String]

  package init(recipe: Recipe, base: OpenedModel, data: TrainingData) throws {
    let training = recipe.training
    let lengths = data.train.lengths
    let specification = base.files.specification
    let longest = max(lengths.max() ?? 0, data.validation.lengths.max() ?? 0)
    try specification.requirePositions(for: longest, place: "data.max_length")
    warnings = Self.warnings(longest: longest, of: base.files.configuration)
    sharesPrefixes =
      training.sharedPrefix != .off && specification.rotationsAgree(upTo: longest)
    batches = BatchPlan(
      lengths: lengths, microBatchSize: training.microBatchSize,
      accumulationSteps: training.gradientAccumulationSteps,
      tokenBudget: recipe.data.packing ? training.microBatchSize * recipe.data.maxLength : nil,
      shuffle: recipe.data.shuffle, seed: UInt64(training.seed),
      mixture: data.mixture(recipe),
      beginnings: sharesPrefixes ? RowBeginnings(try data.train.beginnings()) : nil,
      grouping: training.sharedPrefix == .grouped)
    trainRows = data.train.count
    validationRows = data.validation.count
    droppedRows = data.droppedRows
    truncatedRows = data.truncatedRows
    totalSteps =
      training.maxSteps
      ?? (0..<training.epochs).reduce(0) { [batches] in $0 + batches.stepCount(epoch: $1) }
    let method: LoRAConfiguration
    (method, targets) = try Self.adapter(recipe, base: base)
    adapter = method
    trainedParameters = targets.reduce(0) { $0 + method.parameterCount($1) }
    let steps = batches.steps(epoch: 0)
    let microBatches = steps.flatMap(\.microBatches)
    let computed = steps.flatMap(\.computedTokens)
    let trained = microBatches.map { $0.reduce(0) { $0 + data.train.trainedTokens($1) } }
    rowsPerEpoch = microBatches.reduce(0) { $0 + $1.count }
    tokensPerEpoch = microBatches.reduce(0) { $1.reduce($0) { $0 + lengths[$1] } }
    computedTokensPerEpoch = computed.reduce(0, +)
    trainedTokensPerEpoch = trained.reduce(0, +)
    let outputs = zip(trained, computed).map { SelectedTokens.count(trained: $0, of: $1) }
    let storage = WeightStorage(recipe.model)
    let keeps = base.files.specification.linears.contains {
      base.files.keptBytes($0, storage) != nil
    }
    weights = base.files.storedQuantization.map {
      "stored as \($0), \(keeps ? "kept in 4 bits" : storage.treatment(of: $0))"
    }
    memory = MemoryPlan(
      base.files.specification, storage: storage, tokens: computed.max() ?? 0,
      outputs: outputs.max() ?? 0,
      checkpointing: training.gradientCheckpointing, method: method, targets: targets,
      keptBytes: { base.files.keptBytes($0, storage) })
  }

  private static func warnings(
    longest: Int, of configuration: ModelConfiguration
  ) -> [String] {
    let positions = configuration.maxPositionEmbeddings
    guard positions > 0, longest > positions else { return [] }
    return [
      "the longest row has \(longest) tokens, but the model was made for \(positions) positions; what stands behind"
        + " them it has never seen, so lower data.max_length"
    ]
  }

  /// The adapter that the recipe asks for, and the layers it goes on.
  private static func adapter(
    _ recipe: Recipe, base: OpenedModel
  ) throws -> (LoRAConfiguration, [Site]) {
    let linears = base.files.specification.linears
    let section = recipe.adapter
    let targets: [String]
    switch section.targetModules {
    case .allLinear: targets = AdapterTargets.endings(of: linears)
    case .named(let names): targets = names
    }
    let configuration = LoRAConfiguration(
      rank: section.rank, alpha: section.alpha, dropout: section.dropout,
      useRSLoRA: section.useRslora, targetModules: targets, baseModel: base.place.name)
    return (
      configuration,
      try AdapterTargets.resolve(targets, among: linears, place: "adapter.target_modules")
    )
  }
}

extension WeightStorage {
  /// How a recipe wants the linear layers held.
  package init(_ section: ModelSection) {
    self.init(
      section.computeDtype, quantization: section.quantization,
      doubleQuantization: section.doubleQuantization)
  }

  /// What becomes of weights that are stored in a quantized form when they are loaded.
  fileprivate func treatment(of stored: String) -> String {
    guard quantization == .nf4 else { return "held as \(type.rawValue)" }
    return stored == PretrainedFiles.storedNF4
      ? "kept as they are" : "made \(type.rawValue) and quantized again to nf4"
  }
}
