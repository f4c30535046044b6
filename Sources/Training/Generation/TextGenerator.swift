import Formats
package import Model
package import Tensors
package import Text

/// Answers prompts with a base model and, if given, an adapter.
package final class TextGenerator {
  private let base: OpenedModel
  private let model: CausalLM
  private let adapters: AdapterSet?
  private let stopTokens: Set<Int32>
  /// Sentences a user should see about the adapter.
  package let warnings: [String]

  package init(
    model path: String, adapter: String?, storage: WeightStorage,
    template: TemplateChoice = "auto", threads: Int?
  ) throws {
    ThreadCount.use(threads)
    let base = try OpenedModel(
      path: path, template: template.with(adapters: [adapter].compactMap { $0 }))
    let loaded = try adapter.map {
      try AdapterDirectory.load(
        $0, linears: base.files.specification.linears, baseFingerprint: base.files.fingerprint)
    }
    warnings = loaded?.warnings ?? []
    model = try base.load(storage)
    adapters = loaded?.adapters
    var stops = Set(base.files.configuration.eosTokenIDs.map(Int32.init))
    if let id = base.tokenizer.eosToken.flatMap({ base.tokenizer.id(of: $0) }) { stops.insert(id) }
    // What ends a turn in the template is not always what the model calls its end of sequence.
    stops.formUnion(base.renderer().turnEnd.stops.compactMap { base.tokenizer.id(of: $0) })
    stopTokens = stops
    self.base = base
  }

  /// What an answer cost.
  package struct Result: Sendable {
    package let text: String
    package let promptTokens: Int
    package let newTokens: Int
    package let seconds: Double
  }

  /// - Parameters:
  ///   - raw: Continue the prompt's text as it stands, without the chat template.
  ///   - onText: Gets the answer piece by piece, whole characters only; false stops.
  package func generate(
    prompt: String, system: String? = nil, maxNewTokens: Int, sampler: TokenSampler,
    raw: Bool = false, onText: (String) -> Bool = { _ in true }
  ) throws -> Result {
    let started = ContinuousClock.now
    let text = raw ? prompt : try rendered(prompt: prompt, system: system)
    let ids = base.tokenizer.encode(text)
    guard !ids.isEmpty else {
      throw Problem("--prompt", "the prompt is empty; give at least one word")
    }
    try base.files.specification.requirePositions(for: ids.count, place: "--prompt")
    var stream = base.tokenizer.stream()
    let answer = model.generate(
      prompt: ids, adapters: adapters, maxNewTokens: maxNewTokens, sampler: sampler,
      stopTokens: stopTokens
    ) { token in
      let piece = stream.append(token)
      return piece.isEmpty || onText(piece)
    }
    let rest = stream.finish()
    if !rest.isEmpty { _ = onText(rest) }
    return Result(
      text: base.tokenizer.decode(answer), promptTokens: ids.count, newTokens: answer.count,
      seconds: started.duration(to: .now).seconds)
  }

  private func rendered(prompt: String, system: String?) throws -> String {
    let start = system.map { [Message(role: "system", content: $0)] } ?? []
    return try base.renderer().text(
      of: start + [Message(role: "user", content: prompt)], addGenerationPrompt: true)
  }
}
