package import Rows

/// What a run tells whoever watches it: the command line draws it, a test collects it.
package enum TrainingEvent {
  /// A part of the start is over.
  case phase(StartPhase, seconds: Double)
  /// Rows are being read; now and then while there are many.
  case rows(RowsRead)
  /// Everything is read and checked; the first step is next.
  case started(TrainingSummary)
  /// An optimizer step is done.
  case step(StepMetrics)
  /// A pass over the held-out rows is done.
  case evaluation(EvaluationMetrics)
  /// A checkpoint is complete on disk.
  case checkpoint(path: String, step: Int)
  /// Something that now begins and may take a while: "reading the model".
  case note(String)
  /// Something to look at although the run goes on.
  case warning(String)
  /// The run is complete; the adapter is on disk.
  case finished(adapter: String, steps: Int)
}

/// What a run is about to do.
package struct TrainingSummary {
  package let plan: TrainingPlan
  package let threads: Int
  /// The checkpoint that the run goes on from; nil for a new run.
  package let resumedFrom: String?

  package init(plan: TrainingPlan, threads: Int, resumedFrom: String?) {
    self.plan = plan
    self.threads = threads
    self.resumedFrom = resumedFrom
  }
}
