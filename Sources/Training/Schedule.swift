import Foundation

/// The learning rate of every optimizer step.
///
/// The multipliers are those of transformers' `get_scheduler` ("constant" is its
/// "constant_with_warmup"): a linear rise from zero over the warm-up, then
///
///     constant   1
///     linear     (total - step) / (total - warmup)
///     cosine     (1 + cos(π · progress)) / 2,   progress = (step - warmup) / (total - warmup)
package struct LearningRateSchedule: Sendable {
  package let kind: Scheduler
  package let peak: Double
  package let totalSteps: Int
  package let warmupSteps: Int

  /// - Parameter totalSteps: Optimizer steps of the whole run.
  package init(_ training: TrainingSection, totalSteps: Int) {
    kind = training.lrScheduler
    peak = training.learningRate
    self.totalSteps = totalSteps
    warmupSteps = Int((Double(totalSteps) * training.warmupRatio).rounded(.up))
  }

  /// The learning rate of a step.
  ///
  /// - Parameter completedSteps: Optimizer steps done before it; 0 for the first.
  package func learningRate(after completedSteps: Int) -> Double {
    peak * multiplier(after: completedSteps)
  }

  package func multiplier(after completedSteps: Int) -> Double {
    if completedSteps < warmupSteps {
      return Double(completedSteps) / Double(max(1, warmupSteps))
    }
    let falling = Double(max(1, totalSteps - warmupSteps))
    switch kind {
    case .constant:
      return 1
    case .linear:
      return max(0, Double(totalSteps - completedSteps) / falling)
    case .cosine:
      let progress = Double(completedSteps - warmupSteps) / falling
      return max(0, 0.5 * (1 + cos(Double.pi * progress)))
    }
  }
}
