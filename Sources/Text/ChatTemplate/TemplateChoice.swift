package import Formats

/// Which chat template a model gets, and what it is told beside the conversation.
package struct TemplateChoice: Equatable, Sendable, ExpressibleByStringLiteral {
  /// "auto" for the model's own, the name of a built-in one, or the path of a Jinja file.
  package var name: String
  package var variables: TemplateVariables

  package init(_ name: String = "auto", variables: TemplateVariables = TemplateVariables()) {
    self.name = name
    self.variables = variables
  }

  package init(stringLiteral value: String) { self.init(value) }
}

extension ChatTemplate {
  /// The template of this choice, ready to render; see `choose(_:modelPath:gguf:)` for its name.
  ///
  /// - Throws: Where there is no such template, or it cannot be parsed.
  package static func chosen(
    _ choice: TemplateChoice, modelPath: String, gguf: GGUFFile? = nil
  ) throws(Problem) -> ChatTemplate {
    var template = try choose(choice.name, modelPath: modelPath, gguf: gguf)
    template.variables = choice.variables
    return template
  }
}
