package import Formats
package import Model
package import Text

/// A directory that `ollama create NAME -f DIRECTORY/Modelfile` makes a model of.
package struct OllamaDirectoryWriter {
  static let modelName = "model.gguf"

  private let gguf: GGUFModelWriter
  private let modelfile: Modelfile
  package let warnings: [String]

  /// - Parameters:
  ///   - name: What the model is called in the file.
  ///   - adapter: An adapter whose chat template takes the place of the model's, if it has one.
  ///   - system: A system message for conversations without one.
  ///   - variables: What the model's template is told beside the conversation.
  package init(
    _ files: PretrainedFiles, type: GGUFModelType, name: String, adapter: String? = nil,
    system: String? = nil,
    variables: TemplateVariables = TemplateVariables()
  ) throws(Problem) {
    if let system, system.contains("\"\"\"") {
      throw Problem("--system", "three quotation marks cannot stand in a Modelfile; leave them out")
    }
    let chat = try ExportedChat(files, adapter: adapter, variables: variables)
    gguf = try GGUFModelWriter(
      files, type: type, name: name, adapter: adapter, endOfTurn: chat.endOfTurn)
    var warnings = gguf.warnings
    modelfile = try chat.modelfile(
      model: Self.modelName, addsBOS: gguf.addsBOS, system: system, warn: { warnings.append($0) })
    self.warnings = warnings
  }

  package var byteCount: Int { gguf.byteCount }

  /// Writes a directory that must not exist yet, or be empty.
  package func write(
    to path: String, adapters: AdapterSet?, progress: (Double) -> Void = { _ in }
  ) throws {
    let directory = try AtomicDirectory(path)
    try gguf.write(
      to: "\(directory.path)/\(Self.modelName)", adapters: adapters, progress: progress)
    try writeFile("\(directory.path)/Modelfile", modelfile.text)
    try directory.commit()
  }
}
