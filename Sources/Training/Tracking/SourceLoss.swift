import Formats

/// The held-out loss of one of several sources.
package struct SourceLoss: Sendable, Equatable {
  /// The source's own, else its file's.
  package let name: String
  /// Mean loss of its trained tokens.
  package let loss: Double
  /// exp(loss)
  package let perplexity: Double
  /// Trained tokens counted in the loss.
  package let tokens: Int
  package let rows: Int

  init(_ source: HeldOutLoss.Source, names: [String]) {
    name = names[source.number]
    loss = source.mean
    perplexity = source.perplexity
    tokens = source.tokens
    rows = source.rows
  }

  var json: JSON {
    [
      "name": .string(name), "loss": .number(loss), "perplexity": .number(perplexity),
      "tokens": .integer(tokens), "rows": .integer(rows),
    ]
  }
}
