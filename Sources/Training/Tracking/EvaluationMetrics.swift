package import Formats

/// One pass over the held-out rows, as `metrics.jsonl` records it.
package struct EvaluationMetrics: Sendable, Equatable {
  /// Optimizer steps done before it; 0 for the untrained adapter.
  package var step: Int
  /// Mean loss of the trained tokens.
  package var loss: Double
  /// exp(loss)
  package var perplexity: Double
  /// Trained tokens counted in the loss.
  package var tokens: Int
  package var rows: Int
  /// The same of each source, where there are several.
  package var sources: [SourceLoss]

  package init(
    step: Int, loss: Double, perplexity: Double, tokens: Int, rows: Int, sources: [SourceLoss] = []
  ) {
    self.step = step
    self.loss = loss
    self.perplexity = perplexity
    self.tokens = tokens
    self.rows = rows
    self.sources = sources
  }

  package var json: JSONObject {
    JSONObject(
      [
        ("step", .integer(step)), ("eval_loss", .number(loss)), ("perplexity", .number(perplexity)),
        ("eval_tokens", .integer(tokens)), ("eval_rows", .integer(rows)),
      ]
        + sources.flatMap { source -> [(String, JSON)] in
          [
            ("eval_loss/\(source.name)", .number(source.loss)),
            ("eval_tokens/\(source.name)", .integer(source.tokens)),
          ]
        })
  }
}
