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
    /// The same of each source that has rows, where there are several.
    package var sources: [Source] = []
    package var perplexity: Double { exp(mean) }
  }

  /// A source, by its number, with its rows alone.
  package struct Source: Sendable {
    package let number: Int
    package let mean: Double
    package let tokens: Int
    package let rows: Int
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
    let longest = rows.lengths.max() ?? 0
    let sharingPrefixes = sharingPrefixes && model.specification.rotationsAgree(upTo: longest)
    var sums: [(source: Int, rows: Int, sum: Sum)] = []
    for (source, part) in rows.bySource {
      let sum = try Self.sum(
        part, model: model, adapters: adapters, sharingPrefixes: sharingPrefixes,
        shouldStop: shouldStop)
      guard let sum else { return nil }
      sums.append((source, part.count, sum))
    }
    let all = sums.reduce(into: Sum()) { $0.add($1.sum) }
    var value = Value(mean: all.mean, tokens: all.tokens)
    guard sums.count > 1 else { return value }
    value.sources = sums.filter { $0.sum.weight > 0 }.map { source, rows, sum in
      Source(number: source, mean: sum.mean, tokens: sum.tokens, rows: rows)
    }
    return value
  }

  /// What the losses of some rows add up to.
  private struct Sum {
    var loss = 0.0
    var weight = 0.0
    var tokens = 0

    var mean: Double { loss / weight }

    mutating func add(_ other: Sum) {
      loss += other.loss
      weight += other.weight
      tokens += other.tokens
    }
  }

  private static func sum(
    _ rows: any RowStore, model: CausalLM, adapters: AdapterSet?, sharingPrefixes: Bool,
    shouldStop: () -> Bool
  ) throws -> Sum? {
    let loss = Tensor.zeros([1], .float64)
    var sum = Sum()
    // One step of all rows, so that any of them may meet.
    let plan = BatchPlan(
      lengths: rows.lengths, microBatchSize: 1, accumulationSteps: rows.count,
      tokenBudget: tokensPerBatch, shuffle: false, seed: 0,
      beginnings: sharingPrefixes ? RowBeginnings(try rows.beginnings()) : nil)
    for members in plan.steps(epoch: 0).flatMap(\.microBatches) {
      guard !shouldStop() else { return nil }
      let batch = TokenBatch(rows: try rows.tokenRows(members), sharingPrefixes: sharingPrefixes)
      model.accumulateLoss(
        batch, adapters: adapters, objective: SupervisedObjective(), loss: loss)
      sum.tokens += batch.trainedTokens
      sum.weight += batch.trainedWeight
    }
    sum.loss = loss.scalar
    return sum
  }
}

extension RowStore {
  /// The rows of each source that has some, by its number; the store itself where there is only one.
  fileprivate var bySource: [(source: Int, rows: any RowStore)] {
    let members = Dictionary(grouping: 0..<count, by: source)
    guard members.count > 1 else { return members.keys.map { ($0, self) } }
    return members.sorted { $0.key < $1.key }.map { ($0.key, SelectedRows($0.value, of: self)) }
  }
}
