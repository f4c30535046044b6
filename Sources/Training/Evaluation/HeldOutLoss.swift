import Formats
import Foundation
package import Model
package import Rows
import Tensors

/// Token-weighted loss of rows: the sum of all token losses over the number of trained tokens; where
/// tokens have weights, the sum of weighted losses over the sum of weights.
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
  ///   - sharingPrefixes: Computes once what rows of a batch begin with in common, and takes rows that
  ///     begin alike together.
  ///   - shouldStop: Asked between batches; nil is returned when it says so.
  package static func measure(
    _ rows: any RowStore, model: CausalLM, adapters: AdapterSet?, sharingPrefixes: Bool = true,
    shouldStop: () -> Bool = { false }
  ) throws -> Value? {
    let sum = Tensor.zeros([1], .float64)
    var tokens = 0
    var weight = 0.0
    let longest = rows.lengths.max() ?? 0
    let sharingPrefixes = sharingPrefixes && model.specification.rotationsAgree(upTo: longest)
    // One step of all rows, so that any of them may meet.
    let plan = BatchPlan(
      lengths: rows.lengths, microBatchSize: 1, accumulationSteps: rows.count,
      tokenBudget: tokensPerBatch, shuffle: false, seed: 0,
      beginnings: sharingPrefixes ? RowBeginnings(try rows.beginnings()) : nil)
    for members in plan.steps(epoch: 0).flatMap(\.microBatches) {
      guard !shouldStop() else { return nil }
      let batch = TokenBatch(rows: try rows.tokenRows(members), sharingPrefixes: sharingPrefixes)
      model.accumulateLoss(
        batch, adapters: adapters, objective: SupervisedObjective(), loss: sum)
      tokens += batch.trainedTokens
      weight += batch.trainedWeight
    }
    return Value(mean: sum.scalar / weight, tokens: tokens)
  }
}
