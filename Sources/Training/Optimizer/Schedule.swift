import Foundation
package import Recipes

/// The learning rate of every optimizer step.
///
/// The multipliers are those of transformers' `get_scheduler` ("constant" is its
/// "constant_with_warmup"): a linear rise from zero over the warm-up, then
///
///     constant   1
///     linear     (total - step) / (total - warmup)
///     cosine     (1 + cos(π · progress)) / 2,   progress = (step - warmup) / (total - warmup)
package struct Schedule: Sendable {
  package let kind: Scheduler
  package let peak: Double
  package let totalSteps: Int
  package let warmupSteps: Int

  /// `learningRate` is the peak, `totalSteps` the optimizer steps of the whole run, and `warmupRatio`
  /// their share, rounded up, that the warm-up takes.
  package init(
    _ kind: Scheduler, learningRate: Double, totalSteps: Int, warmupRatio: Double
  ) {
    self.kind = kind
    peak = learningRate
    self.totalSteps = totalSteps
    warmupSteps = Int((Double(totalSteps) * warmupRatio).rounded(.up))
  }

  /// The learning rate of the step that follows `step` completed ones; 0 gives the first.
  package func learningRate(step: Int) -> Double { peak * multiplier(step: step) }

  package func multiplier(step: Int) -> Double {
    if step < warmupSteps { return Double(step) / Double(max(1, warmupSteps)) }
    let falling = Double(max(1, totalSteps - warmupSteps))
    switch kind {
    case .constant:
      return 1
    case .linear:
      return max(0, Double(totalSteps - step) / falling)
    case .cosine:
      let progress = Double(step - warmupSteps) / falling
      return max(0, 0.5 * (1 + cos(Double.pi * progress)))
    }
  }
}
