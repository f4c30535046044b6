/// A part of what a run does before its first step.
package enum StartPhase: String, CaseIterable, Sendable {
  /// Headers read, every tensor found.
  case files = "model files opened"
  case tokenizer = "tokenizer and template"
  /// Of the data files, the model and the tokenizer.
  case hashes = "checksums"
  case rows = "rows to tokens"
  /// The plan, and what is written down of it.
  case records = "plan and records"
  /// Beside the phases before, from the moment when the files are open.
  case weights
  case waiting = "waiting for the weights"
  case adapter = "adapter and optimizer"
}

/// Tells how long each phase took.
struct PhaseClock {
  let onEvent: (TrainingEvent) -> Void

  func measure<Result>(_ phase: StartPhase, _ body: () throws -> Result) rethrows -> Result {
    let started = ContinuousClock.now
    let result = try body()
    onEvent(.phase(phase, seconds: started.duration(to: .now).seconds))
    return result
  }
}
