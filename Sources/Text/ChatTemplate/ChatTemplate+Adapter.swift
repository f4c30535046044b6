package import Formats

/// The template that an adapter was trained with. A run writes it beside the adapter, so that what is tuned
/// is asked in the same words in which it learnt.
extension ChatTemplate {
  /// The file's name in a directory, as in transformers.
  package static let fileName = "chat_template.jinja"

  /// The template as a file that needs no options: variables that were given are set unless whoever renders
  /// it says otherwise.
  package var standalone: String {
    let settings = variables.values.sorted { $0.key < $1.key }.map { name, value in
      "{%- set \(name) = \(name) if \(name) is defined else \(Self.literal(value)) -%}"
    }
    return settings.joined() + source
  }

  private static func literal(_ value: JSON) -> String {
    switch value {
    case .null: "none"
    case .array(let elements): "[" + elements.map(literal).joined(separator: ", ") + "]"
    case .object(let object):
      "{"
        + object.members.map { "\(JSON.string($0.key).text()): \(literal($0.value))" }
        .joined(separator: ", ") + "}"
    default: value.text()
    }
  }

  /// The template that stands beside an adapter; nil where there is none.
  package static func template(ofAdapter path: String) throws(Problem) -> ChatTemplate? {
    let file = "\(path)/\(fileName)"
    guard fileExists(file) else { return nil }
    return try ChatTemplate(source: try text(of: file), name: file)
  }
}

extension TemplateChoice {
  /// The choice for a model with adapters: where nothing else is chosen, the template that the first adapter
  /// with one was trained with.
  package func with(adapters: [String]) -> TemplateChoice {
    let files = adapters.map { "\($0)/\(ChatTemplate.fileName)" }
    guard name == "auto", let file = files.first(where: fileExists) else { return self }
    return TemplateChoice(file, variables: variables)
  }
}
