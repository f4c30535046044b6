package import Formats

extension ChatTemplate {
  /// The template that `data.template` in a recipe asks for.
  ///
  /// - Parameters:
  ///   - choice: "auto" for the model's own, the name of a built-in one, or the path of a Jinja file.
  ///   - modelPath: A Hugging Face directory or a GGUF file.
  ///   - gguf: The file of that path where it is open already.
  /// - Returns: The template, ready to render.
  /// - Throws: Where there is no such template, or it cannot be parsed.
  package static func choose(
    _ choice: String, modelPath: String, gguf: GGUFFile? = nil
  ) throws(Problem) -> ChatTemplate {
    let names = BuiltInTemplates.names.map { "\"\($0)\"" }.joined(separator: ", ")
    if choice == "auto" {
      if let template = try load(modelPath, gguf: gguf) { return template }
      throw Problem(
        "data.template",
        "the model \(modelPath) has no chat template of its own; set it to \(names), or to the path of "
          + "a .jinja file")
    }
    if let builtIn = try BuiltInTemplates.template(named: choice) { return builtIn }
    guard choice.contains("/") || choice.hasSuffix(".jinja") || fileExists(choice) else {
      throw Problem(
        "data.template",
        "\"\(choice)\" is no template; use \"auto\", \(names), or the path of a .jinja file")
    }
    return try ChatTemplate(source: try text(of: choice), name: choice)
  }

  /// A model's own template.
  ///
  /// In a directory, `chat_template.jinja` wins over the key in `tokenizer_config.json`, as in
  /// transformers; a GGUF file has it under `tokenizer.chat_template`.
  ///
  /// - Parameters:
  ///   - path: A Hugging Face directory or a GGUF file.
  ///   - gguf: The file of that path where it is open already.
  /// - Returns: nil where the model has none.
  /// - Throws: Where it cannot be read, or cannot be parsed.
  package static func load(
    _ path: String, gguf: GGUFFile? = nil
  ) throws(Problem) -> ChatTemplate? {
    if let gguf { return try template(of: gguf) }
    guard directoryExists(path) else { return try template(of: try GGUFFile(path)) }
    let file = "\(path)/\(fileName)"
    if fileExists(file) { return try ChatTemplate(source: try text(of: file), name: file) }
    return try loadConfiguration(path + "/tokenizer_config.json")
  }

  private static func template(of file: GGUFFile) throws(Problem) -> ChatTemplate? {
    let key = "tokenizer.chat_template"
    guard let source = file.metadata[key]?.string else { return nil }
    return try ChatTemplate(source: source, name: "\(file.path) (\(key))")
  }

  private static func loadConfiguration(_ path: String) throws(Problem) -> ChatTemplate? {
    guard fileExists(path) else { return nil }
    let name = path + " (chat_template)"
    switch try readJSON(path)["chat_template"] {
    case nil, .null: return nil
    case .string(let source): return try ChatTemplate(source: source, name: name)
    case .array(let entries):
      // The legacy form: several templates, each with a name.
      let entry = entries.last { $0["name"]?.string == "default" }
      guard let source = entry?["template"]?.string else {
        throw Problem(
          name, "no template in the list is named \"default\"; set data.template to a .jinja file")
      }
      return try ChatTemplate(source: source, name: name)
    case .some(let other):
      throw Problem(name, "found \(other.kindName), expected a template as a string")
    }
  }

  static func text(of path: String) throws(Problem) -> String {
    guard let text = String(validating: try readFile(path), as: UTF8.self) else {
      throw Problem(path, "the file is not UTF-8 text, expected a Jinja template")
    }
    return text
  }
}
