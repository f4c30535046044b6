import Formats
import Foundation
import Model
import Recipes
import Rows
import Tensors
import Text

/// The state of one running training: everything is loaded, steps are made.
final class TrainingRun {
  private let recipe: Recipe
  private let directory: RunDirectory
  private let onEvent: (TrainingEvent) -> Void
  private let shouldStop: () -> Bool

  private let plan: TrainingPlan
  private let data: TrainingData
  private let base: OpenedModel
  private let record: RunRecord
  private let model: CausalLM
  private let adapters: AdapterSet
  private let objective: any Objective = SupervisedObjective()
  private let optimizer: AdamW
  private let schedule: Schedule
  private let store: CheckpointStore
  private let metrics: MetricsWriter
  private var lastCheckpoint: CheckpointStore.Entry?
  private let lossSum = Tensor.zeros([1], .float64)

  /// Reads everything, writes the run's records, and continues from the newest valid checkpoint.
  init(trainer: Trainer) throws {
    recipe = trainer.recipe
    directory = trainer.directory
    onEvent = trainer.onEvent
    shouldStop = trainer.shouldStop
    store = CheckpointStore(directory: directory.checkpoints, keep: recipe.checkpoint.keep)
    let onEvent = self.onEvent
    let restart = try store.newestValid { onEvent(.warning($0)) }

    let hasRecords = fileExists(directory.run) && fileExists(directory.recipe)
    // A plain nil would be the JSON null.
    let saved: JSON? = hasRecords ? try readJSON(directory.run) : .none
    if saved != nil, restart == nil {
      onEvent(.note("\(directory.path): there is no valid checkpoint; the run starts over"))
    }
    let clock = PhaseClock(onEvent: onEvent)
    let place = trainer.base
    let files = try clock.measure(.files) { try PretrainedFiles.open(place.path) }
    // What is wrong with anything else is told first, as if the weights were read last.
    let loading = WeightLoading(files, WeightStorage(recipe.model))
    base = try clock.measure(.tokenizer) { [recipe] in
      try OpenedModel(
        files, place, template: recipe.data.templateChoice,
        date: saved.flatMap(RunRecord.templateDate(in:)))
    }
    let supply = RowSupply(recipe: recipe, onEvent: onEvent)
    record = try clock.measure(.hashes) { [recipe, base] in
      try RunRecord(recipe: recipe, base: base, checksums: supply.checksums)
    }
    if let saved {
      try Self.checkUnchanged(recipe, record, saved, directory)
      for remark in RunRecord.remarks(since: saved) { onEvent(.warning(remark)) }
    }
    data = try clock.measure(.rows) { [recipe, base] in
      try TrainingData(recipe: recipe, base: base, supply: supply)
    }
    for note in data.notes { onEvent(.note(note)) }
    for warning in data.warnings { onEvent(.warning(warning)) }
    let dropouts = base.files.configuration.ownDropouts.joined(separator: ", ")
    if !dropouts.isEmpty {
      onEvent(
        .warning(
          "the model's configuration has \(dropouts); only adapter.dropout, \(recipe.adapter.dropout),"
            + " is applied"))
    }
    plan = try clock.measure(.records) { [recipe, base, data, record, directory] in
      let plan = try TrainingPlan(recipe: recipe, base: base, data: data)
      try Self.writeRecords(recipe, record, data.sets, resuming: saved, to: directory)
      return plan
    }

    onEvent(.note("reading \(recipe.model.path)"))
    let loaded = try clock.measure(.waiting) { try loading.wait() }
    onEvent(.phase(.weights, seconds: loaded.seconds))
    model = loaded.model
    adapters = try clock.measure(.adapter) { [recipe, plan, base] in
      try Self.adapters(
        recipe: recipe, plan: plan, base: base, checkpoint: restart, onEvent: onEvent)
    }
    for warning in plan.warnings { onEvent(.warning(warning)) }
    let training = recipe.training
    optimizer = AdamW(
      parameters: adapters.parameters,
      settings: AdamW.Settings(
        beta1: training.adamBeta1, beta2: training.adamBeta2, epsilon: training.adamEpsilon,
        weightDecay: training.weightDecay))
    if let restart { try store.restore(optimizer, from: restart) }
    lastCheckpoint = restart
    schedule = Schedule(
      training.lrScheduler, learningRate: training.learningRate, totalSteps: plan.totalSteps,
      warmupRatio: training.warmupRatio)
    metrics = try MetricsWriter(path: directory.metrics, keepingStepsThrough: restart?.step)
  }

  // MARK: Setting up

  private static func checkUnchanged(
    _ recipe: Recipe, _ record: RunRecord, _ saved: JSON, _ directory: RunDirectory
  ) throws {
    let savedRecipe = try Recipe.load(path: directory.recipe)
    let sentences = recipe.conflicts(withSaved: savedRecipe) + record.changes(since: saved)
    guard sentences.isEmpty else {
      throw Problem(
        heading: "\(directory.path) cannot be continued with what has changed", problems: sentences)
    }
  }

  private static func writeRecords(
    _ recipe: Recipe, _ record: RunRecord, _ sets: [RowSet], resuming saved: JSON?,
    to directory: RunDirectory
  ) throws {
    let run = record.json(threads: Kernels.threads, resuming: saved)
    try AtomicFile.write(directory.recipe, recipe.json.text(.indented) + "\n")
    try AtomicFile.write(directory.run, run.text(.indented) + "\n")
    try AtomicFile.write(directory.rows) { file in
      for set in sets { try set.writeVerdicts(to: file) }
    }
  }

  /// From the checkpoint, from `adapter.init_from`, or fresh.
  private static func adapters(
    recipe: Recipe, plan: TrainingPlan, base: OpenedModel, checkpoint: CheckpointStore.Entry?,
    onEvent: (TrainingEvent) -> Void
  ) throws -> AdapterSet {
    guard let source = checkpoint?.path ?? recipe.adapter.initFrom else {
      return AdapterSet(
        fresh: plan.adapter, targets: plan.targets, seed: UInt64(recipe.training.seed))
    }
    return try adapters(
      from: source, recipe: recipe, plan: plan, base: base, onEvent: onEvent)
  }

  /// The adapter in a directory, which must be what the recipe describes.
  static func adapters(
    from source: String, recipe: Recipe, plan: TrainingPlan, base: OpenedModel,
    onEvent: (TrainingEvent) -> Void
  ) throws -> AdapterSet {
    let loaded = try AdapterDirectory.load(
      source, linears: base.files.specification.linears, baseFingerprint: base.files.fingerprint,
      dropout: recipe.adapter.dropout)
    for warning in loaded.warnings { onEvent(.warning(warning)) }
    try checkAgreement(of: loaded.adapters, with: plan, source: source)
    return loaded.adapters.described(as: plan.adapter)
  }

  private static func checkAgreement(
    of adapters: AdapterSet, with plan: TrainingPlan, source: String
  ) throws(Problem) {
    var problems = adapters.method.disagreements(with: plan.adapter).map {
      "its \($0.key) is \($0.own), adapter.\($0.key) is \($0.other)"
    }
    if adapters.modules.map(\.site) != plan.targets {
      problems.append(
        "it adapts \(adapters.modules.count) layers, adapter.target_modules names"
          + " \(plan.targets.count) (or others)")
    }
    guard problems.isEmpty else {
      throw Problem(
        heading: "\(source) is not the adapter that the recipe describes; change the recipe",
        problems: problems)
    }
  }

  // MARK: Training

  func run() throws -> Trainer.Outcome {
    let completed = optimizer.step
    onEvent(.started(summary(completed: completed)))
    // Before the first step; or where a run was stopped in the middle of an evaluation.
    if isEvaluationDue, metrics.lastEvaluatedStep != completed {
      guard try evaluate() else { return try interrupted() }
    }
    let remaining = max(0, plan.totalSteps - completed)
    for step in plan.batches.allSteps.dropFirst(completed).prefix(remaining) {
      guard try train(step) else { return try interrupted() }
      if isEvaluationDue {
        guard try evaluate() else { return try interrupted() }
      }
      if isLastStep || optimizer.step.isMultiple(of: recipe.checkpoint.interval) {
        try saveCheckpoint()
      }
    }
    return try finish()
  }

  private var isLastStep: Bool { optimizer.step == plan.totalSteps }

  private var isEvaluationDue: Bool {
    isLastStep || optimizer.step == 0 || optimizer.step.isMultiple(of: recipe.evaluation.interval)
  }

  /// One optimizer step; false where it was asked to stop, with nothing changed.
  private func train(_ planned: BatchPlan.Step) throws -> Bool {
    let started = ContinuousClock.now
    let batches = try planned.microBatches.map { rows in
      TokenBatch(rows: try data.train.tokenRows(rows), sharingPrefixes: plan.sharesPrefixes)
    }
    let denominator = objective.denominator(batches)
    lossSum.fillWithZeros()
    for (index, batch) in batches.enumerated() {
      guard !shouldStop() else {
        optimizer.clearGradients()
        return false
      }
      model.accumulateGradients(
        batch, adapters: adapters, objective: objective, gradientScale: 1 / denominator,
        loss: lossSum,
        checkpointing: recipe.training.gradientCheckpointing,
        dropout: DropoutKey(
          seed: UInt64(recipe.training.seed), step: optimizer.step, microBatch: index))
    }
    let loss = lossSum.scalar / denominator
    let norm = optimizer.gradientNorm()
    try checkFinite(loss: loss, norm: norm, rows: planned.microBatches.flatMap { $0 })
    let learningRate = schedule.learningRate(step: optimizer.step)
    optimizer.update(
      learningRate: learningRate,
      gradientScale: AdamW.clipScale(norm: norm, maximum: recipe.training.maxGradNorm))
    try checkAdapterIsFinite()
    let tokens = batches.reduce(0) { $0 + $1.rowTokens }
    let seconds = started.duration(to: .now).seconds
    try emit(
      StepMetrics(
        step: optimizer.step, totalSteps: plan.totalSteps, epoch: planned.epochsDone, loss: loss,
        learningRate: learningRate, gradNorm: norm, tokens: tokens,
        computedTokens: batches.reduce(0) { $0 + $1.tokens },
        trainedTokens: batches.reduce(0) { $0 + $1.trainedTokens },
        tokensPerSecond: Double(tokens) / seconds, seconds: seconds,
        peakRSSBytes: PeakMemory.bytes, sourceTokens: data.sourceTokens(planned)))
    return true
  }

  private func emit(_ step: StepMetrics) throws {
    try metrics.write(step)
    onEvent(.step(step))
  }

  /// A loss or gradient that is not a number would destroy the adapter: stop before the update.
  private func checkFinite(loss: Double, norm: Double, rows: [Int]) throws(Problem) {
    guard !loss.isFinite || !norm.isFinite else { return }
    let places = try rows.prefix(4).map { row throws(Problem) in
      try data.train.place(row).description
    }.joined(separator: ", ")
    let saved = lastCheckpoint.map { "; the checkpoint \($0.path) is intact" } ?? ""
    throw Problem(
      "step \(optimizer.step + 1)",
      "the \(loss.isFinite ? "gradient" : "loss") is not a finite number (rows \(places)); "
        + "lower training.learning_rate or look at these rows\(saved)", kind: .run)
  }

  /// Measures the held-out rows, if there are any; false where it was asked to stop.
  private func evaluate() throws -> Bool {
    guard !data.validation.isEmpty else { return true }
    guard
      let loss = try HeldOutLoss.measure(
        data.validation, model: model, adapters: adapters, sharingPrefixes: plan.sharesPrefixes,
        shouldStop: shouldStop)
    else { return false }
    let evaluation = EvaluationMetrics(
      step: optimizer.step, loss: loss.mean, perplexity: loss.perplexity, tokens: loss.tokens,
      rows: data.validation.count,
      sources: loss.sources.map { SourceLoss($0, names: data.validationNames) })
    try metrics.write(evaluation)
    onEvent(.evaluation(evaluation))
    return true
  }

  /// An update can overflow although loss and gradient are numbers. Such an adapter is of no use to anybody
  /// and is never written.
  private func checkAdapterIsFinite() throws(Problem) {
    guard let broken = adapters.parameters.first(where: { !Kernels.isFinite($0.value) }) else {
      return
    }
    let saved = lastCheckpoint.map { "; the checkpoint \($0.path) is from before" } ?? ""
    throw Problem(
      "step \(optimizer.step)",
      "\(broken.name) holds a value that is not a finite number; lower training.learning_rate or raise"
        + " training.adam_epsilon\(saved)", kind: .run)
  }

  private func saveCheckpoint() throws {
    let entry = try store.save(
      adapters: adapters, optimizer: optimizer, metrics: metrics,
      baseFingerprint: base.files.fingerprint, template: base.template.standalone)
    lastCheckpoint = entry
    onEvent(.checkpoint(path: entry.path, step: entry.step))
  }

  private func interrupted() throws -> Trainer.Outcome {
    if lastCheckpoint?.step != optimizer.step { try saveCheckpoint() }
    return .interrupted(checkpoint: lastCheckpoint?.path ?? directory.path)
  }

  private func finish() throws -> Trainer.Outcome {
    try AtomicDirectory.write(directory.adapter) { temporary in
      try PEFTDirectory.write(adapters, baseFingerprint: base.files.fingerprint, to: temporary)
      try writeFile("\(temporary)/\(ChatTemplate.fileName)", base.template.standalone)
    }
    onEvent(.finished(adapter: directory.adapter, steps: optimizer.step))
    return .finished(adapter: directory.adapter)
  }

  private func summary(completed: Int) -> TrainingSummary {
    TrainingSummary(
      plan: plan, threads: Kernels.threads, resumedFrom: completed > 0 ? lastCheckpoint?.path : nil)
  }
}

extension Int {
  /// Whether a step is due; never where there is no interval.
  fileprivate func isMultiple(of interval: Int?) -> Bool {
    interval.map { isMultiple(of: $0) } ?? false
  }
}

extension Duration {
  /// In seconds.
  package var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
