import Formats
import Model
package import Rows
package import Tensors
package import Text

/// How good and how fast a model is in one form: perplexity of held-out rows, tokens a second.
package struct FormatMeasurement {
  package var model: String
  package var adapter: String?
  package var data: [RowSource]
  package var storage = WeightStorage(.bfloat16)
  package var maxLength = 1024
  package var overlong = Overlong.drop
  package var trainOn = TrainOn.assistant
  package var template: TemplateChoice = "auto"
  package var threads: Int?
  /// Tokens that are generated to find the speed.
  package var generatedTokens = 48

  package init(model: String, data: [RowSource]) {
    self.model = model
    self.data = data
  }

  package struct Result: Sendable {
    package let loss: Double
    package let perplexity: Double
    package let tokens: Int
    package let rows: Int
    /// Of generation, one token after the other.
    package let tokensPerSecond: Double
  }

  /// - Parameter warn: Gets a sentence for each dropped row and each doubt about the rows or the adapter.
  package func run(warn: (String) -> Void = { _ in }) throws -> Result {
    ThreadCount.use(threads)
    let base = try OpenedModel(
      path: model, template: template.with(adapters: [adapter].compactMap { $0 }))
    let loaded = try adapter.map {
      try PEFTDirectory.load(
        $0, linears: base.files.specification.linears, baseFingerprint: base.files.fingerprint)
    }
    for warning in loaded?.warnings ?? [] { warn(warning) }
    let set = try RowSet.load(
      try RowLoading(
        data, renderer: base.renderer(trainOn: trainOn), maxLength: maxLength, overlong: overlong))
    for verdict in set.verdicts { warn(verdict.description) }
    let model = try base.load(storage)
    guard let loss = try HeldOutLoss.measure(set.rows, model: model, adapters: loaded?.adapters)
    else { throw Problem(self.model, "there are no rows to measure it on") }
    let prompt = Array(try set.rows.tokens(0).ids.prefix(32))
    return Result(
      loss: loss.mean, perplexity: loss.perplexity, tokens: loss.tokens, rows: set.rows.count,
      tokensPerSecond: speed(model, loaded?.adapters, prompt: prompt))
  }

  /// The first token waits for the prompt and does not count.
  private func speed(_ model: CausalLM, _ adapters: AdapterSet?, prompt: [Int32]) -> Double {
    var first: ContinuousClock.Instant?
    var last: ContinuousClock.Instant?
    let answer = model.generate(
      prompt: prompt, adapters: adapters, maxNewTokens: generatedTokens,
      sampler: TokenSampler(temperature: 0, topP: 1, seed: 0), stopTokens: []
    ) { _ in
      last = .now
      first = first ?? last
      return true
    }
    guard let first, let last, answer.count > 1 else { return 0 }
    return Double(answer.count - 1) / first.duration(to: last).seconds
  }
}
