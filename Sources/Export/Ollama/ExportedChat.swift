import Formats
import Model
import Text

/// How a model talks, for programs that do not run its chat template: the form of a conversation and the
/// texts that end an answer.
struct ExportedChat {
  private let path: String
  private let tokenizer: Tokenizer
  private let template: ChatTemplate?
  /// Texts of the tokens that end a text.
  private let ends: [String]
  /// nil for a model without template, and for one whose template is not of this form.
  private let form: ChatForm?
  /// Texts that end an answer, the most usual first.
  private let turnEnds: [String]

  /// - Parameter variables: What the model's template is told beside the conversation.
  init(
    _ files: PretrainedFiles, adapter: String?, variables: TemplateVariables = TemplateVariables()
  ) throws(Problem) {
    let tokenizer = try Tokenizer.load(files.tokenizerPath, gguf: files.gguf)
    var template = try ChatTemplate.load(files, adapter: adapter)
    template?.variables = variables
    let configured = files.configuration.eosTokenIDs.compactMap {
      Int32(exactly: $0).flatMap(tokenizer.token(for:))
    }
    path = files.path
    ends = [tokenizer.eosToken].compactMap { $0 } + configured
    let renderer = template.map { Renderer(tokenizer: tokenizer, template: $0) }
    form = renderer.flatMap { renderer in
      ChatForm { try? renderer.text(of: $0, addGenerationPrompt: true) }
    }
    turnEnds = template.map { Self.turnEnds(of: $0, tokenizer) } ?? []
    self.tokenizer = tokenizer
    self.template = template
  }

  private static func turnEnds(of template: ChatTemplate, _ tokenizer: Tokenizer) -> [String] {
    template.turnEnd(
      specialTokens: tokenizer.specialTokens.map(\.text),
      variables: tokenizer.namedTokens.mapValues(JSON.string)
    ).stops
  }

  /// The token that ends an answer.
  var endOfTurn: String? { turnEnds.first { tokenizer.id(of: $0) != nil } }

  /// - Parameters:
  ///   - model: The GGUF file, relative to the Modelfile.
  ///   - addsBOS: Whether llama.cpp puts the token that begins a text there itself.
  ///   - system: A system message for conversations without one.
  ///   - warn: Gets a sentence where the result says less than the model's own template.
  /// - Throws: A `Problem` for a template that cannot be written for Ollama.
  func modelfile(
    model: String, addsBOS: Bool, system: String?, warn: (String) -> Void
  ) throws(Problem) -> Modelfile {
    guard let template else {
      warn(
        "\(path): there is no chat template, so the Modelfile has none; prompts go to the model as"
          + " they are")
      return Modelfile(model: model, form: nil, stops: Self.different(ends), system: system)
    }
    var form: ChatForm
    if let own = self.form { form = own } else { form = try knownForm(template, warn) }
    if addsBOS, let bos = tokenizer.bosToken { form.removeBeginning(bos) }
    guard !form.parts.contains(where: { $0.contains("\"\"\"") }) else {
      throw Problem(
        template.name, "it writes three quotation marks, which cannot stand in a Modelfile")
    }
    return Modelfile(
      model: model, form: form, stops: Self.different(turnEnds + ends), system: system)
  }

  private func knownForm(
    _ template: ChatTemplate, _ warn: (String) -> Void
  ) throws(Problem) -> ChatForm {
    let known = ChatForm.known.first { known in
      template.source.contains(known.marker)
        && known.tokens.allSatisfy { tokenizer.id(of: $0) != nil }
    }
    guard let known else {
      throw Problem(
        template.name,
        "conversations have a form that cannot be written as an Ollama template; export --format gguf"
          + " and let llama.cpp run the model's own template (--jinja)")
    }
    warn(
      "\(template.name): it does more than a Modelfile can say; that has the plain form with"
        + " \(known.marker) instead, without tools and reasoning")
    return known.form
  }

  private static func different(_ texts: [String]) -> [String] {
    texts.reduce(into: []) { kept, text in if !kept.contains(text) { kept.append(text) } }
  }
}
