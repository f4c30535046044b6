import Formats
import Foundation
package import Model
package import Text
import Tensors

/// Token-weighted loss of rows: the sum of all token losses over the number of trained tokens.
///
/// The result does not depend on how rows are put into batches.
package enum HeldOutLoss {
  /// Rows go through the model together up to this many tokens.
  static let tokensPerBatch = 2048

  package struct Value: Sendable {
    /// Mean loss of a trained token, in nats.
    package let mean: Double
    package let tokens: Int
    package var perplexity: Double { exp(mean) }
  }

  /// - Parameters:
  ///   - adapters: nil: the base alone.
  ///   - shouldStop: Asked between batches; nil is returned when it says so.
  package static func measure(
    _ rows: [RenderedRow], model: CausalLM, adapters: AdapterSet?,
    shouldStop: () -> Bool = { false }
  ) -> Value? {
    let sum = Tensor.zeros([1], .float64)
    var tokens = 0
    let plan = BatchPlan(
      lengths: rows.map(\.ids.count), microBatchSize: 1, accumulationSteps: 1,
      tokenBudget: tokensPerBatch, shuffle: false, seed: 0)
    for step in plan.steps(epoch: 0) {
      guard !shouldStop() else { return nil }
      let batch = TokenBatch(rows: step.microBatches[0].map { (rows[$0].ids, rows[$0].labels) })
      model.accumulateLoss(
        batch, adapters: adapters, objective: SupervisedObjective(), loss: sum)
      tokens += batch.trainedTokens
    }
    return Value(mean: sum.scalar / Double(tokens), tokens: tokens)
  }
}
