/// What a run tells whoever watches it: the command line draws it, a test collects it.
package enum TrainingEvent: Sendable {
  /// Everything is read and checked; the first step is next.
  case started(TrainingSummary)
  /// An optimizer step is done.
  case step(StepMetrics)
  /// A pass over the held-out rows is done.
  case evaluation(EvaluationMetrics)
  /// A checkpoint is complete on disk.
  case checkpoint(path: String, step: Int)
  /// Something worth a line while work goes on: "reading the model", "row left out".
  case note(String)
  /// Something the user should look at although the run goes on.
  case warning(String)
  /// The run is complete; the adapter is on disk.
  case finished(TrainingResult)
}

/// What a run is about to do.
package struct TrainingSummary: Sendable {
  package var modelPath: String
  /// "Llama, 30 layers, 134.5 M parameters".
  package var modelDescription: String
  /// Rows that are trained on, and rows that were left out.
  package var rows: Int
  package var droppedRows: Int
  package var validationRows: Int
  /// Tokens of one epoch, and those among them that count in the loss.
  package var tokens: Int
  package var trainedTokens: Int
  package var totalSteps: Int
  package var epochs: Int
  /// Optimizer steps that are done already when a run is resumed; nil for a new run.
  package var resumedFromStep: Int?
  package var trainableParameters: Int
  package var totalParameters: Int
  package var threads: Int
  package var outputDirectory: String

  package init(
    modelPath: String, modelDescription: String, rows: Int, droppedRows: Int, validationRows: Int,
    tokens: Int, trainedTokens: Int, totalSteps: Int, epochs: Int, resumedFromStep: Int?,
    trainableParameters: Int, totalParameters: Int, threads: Int, outputDirectory: String
  ) {
    self.modelPath = modelPath
    self.modelDescription = modelDescription
    self.rows = rows
    self.droppedRows = droppedRows
    self.validationRows = validationRows
    self.tokens = tokens
    self.trainedTokens = trainedTokens
    self.totalSteps = totalSteps
    self.epochs = epochs
    self.resumedFromStep = resumedFromStep
    self.trainableParameters = trainableParameters
    self.totalParameters = totalParameters
    self.threads = threads
    self.outputDirectory = outputDirectory
  }
}

/// What a finished run has achieved.
package struct TrainingResult: Sendable {
  package var steps: Int
  package var adapterPath: String
  /// On the held-out rows, before the first and after the last step; nil without such rows.
  package var firstEvaluation: EvaluationMetrics?
  package var lastEvaluation: EvaluationMetrics?
  /// Wall-clock time of this process's part of the run.
  package var seconds: Double
  /// Tokens that went through the model in that time.
  package var tokens: Int

  package init(
    steps: Int, adapterPath: String, firstEvaluation: EvaluationMetrics?,
    lastEvaluation: EvaluationMetrics?, seconds: Double, tokens: Int
  ) {
    self.steps = steps
    self.adapterPath = adapterPath
    self.firstEvaluation = firstEvaluation
    self.lastEvaluation = lastEvaluation
    self.seconds = seconds
    self.tokens = tokens
  }
}

/// How a run ended.
package enum TrainingOutcome: Sendable {
  case finished
  /// `shouldStop` asked for it; everything up to here is in the checkpoint.
  case interrupted(checkpoint: String)
}

/// What a run would do, found out without training.
package struct TrainingPlan: Sendable {
  package var summary: TrainingSummary
  /// Bytes by part, largest first: ("base weights", 538_000_000).
  package var memory: [(part: String, bytes: Int)]

  package init(summary: TrainingSummary, memory: [(part: String, bytes: Int)]) {
    self.summary = summary
    self.memory = memory
  }

  package var totalBytes: Int { memory.reduce(0) { $0 + $1.bytes } }
}
