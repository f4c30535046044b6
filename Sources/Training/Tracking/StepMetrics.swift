package import Formats

/// One optimizer step, as `metrics.jsonl` records it.
package struct StepMetrics: Sendable, Equatable {
  /// 1-based.
  package var step: Int
  package var totalSteps: Int
  /// Epochs done after this step, with the fraction of the running one.
  package var epoch: Double
  /// Mean loss of the step's trained tokens, measured before its update.
  package var loss: Double
  package var learningRate: Double
  /// Global norm before clipping.
  package var gradNorm: Double
  /// Tokens of the step's rows.
  package var tokens: Int
  /// Those that were computed; fewer where rows share what they begin with.
  package var computedTokens: Int
  package var trainedTokens: Int
  package var tokensPerSecond: Double
  package var seconds: Double
  package var peakRSSBytes: Int
  /// Tokens of the step's rows from each source, by name, where there are several.
  package var sourceTokens: [SourceTokens]

  package struct SourceTokens: Sendable, Equatable {
    package let name: String
    package let tokens: Int
  }

  package init(
    step: Int, totalSteps: Int, epoch: Double, loss: Double, learningRate: Double,
    gradNorm: Double, tokens: Int, computedTokens: Int, trainedTokens: Int, tokensPerSecond: Double,
    seconds: Double, peakRSSBytes: Int, sourceTokens: [SourceTokens] = []
  ) {
    self.step = step
    self.totalSteps = totalSteps
    self.epoch = epoch
    self.loss = loss
    self.learningRate = learningRate
    self.gradNorm = gradNorm
    self.tokens = tokens
    self.computedTokens = computedTokens
    self.trainedTokens = trainedTokens
    self.tokensPerSecond = tokensPerSecond
    self.seconds = seconds
    self.peakRSSBytes = peakRSSBytes
    self.sourceTokens = sourceTokens
  }

  package var json: JSONObject {
    JSONObject(
      [
        ("step", .integer(step)), ("epoch", .number(epoch)), ("loss", .number(loss)),
        ("learning_rate", .number(learningRate)), ("grad_norm", .number(gradNorm)),
        ("tokens", .integer(tokens)), ("computed_tokens", .integer(computedTokens)),
        ("trained_tokens", .integer(trainedTokens)),
        ("tokens_per_second", .number(tokensPerSecond)), ("seconds", .number(seconds)),
        ("peak_rss_bytes", .integer(peakRSSBytes)),
      ] + sourceTokens.map { ("tokens/\($0.name)", .integer($0.tokens)) })
  }
}
