import Formats
import Model
import Text

extension ChatTemplate {
  /// The template that a model with an adapter is asked with.
  static func load(_ files: PretrainedFiles, adapter: String?) throws(Problem) -> ChatTemplate? {
    if let adapter, let own = try template(ofAdapter: adapter) { return own }
    return try load(files.tokenizerPath, gguf: files.gguf)
  }
}

extension PretrainedFiles {
  /// A writer that hands the tokenizer and the template on.
  ///
  /// - Parameter adapter: An adapter whose template takes the place of the model's, if it has one.
  func directoryWriter(adapter: String? = nil) throws -> HuggingFaceDirectoryWriter {
    var writer = HuggingFaceDirectoryWriter(source: self)
    let own = try adapter.flatMap { path throws(Problem) in
      try ChatTemplate.template(ofAdapter: path)
    }
    if let own { writer.replacedFiles = [(ChatTemplate.fileName, own.source)] }
    if case .gguf = source {
      writer.tokenizerFiles = try Tokenizer.huggingFaceFiles(
        ofGGUF: tokenizerPath, template: try ChatTemplate.load(tokenizerPath)?.source)
    }
    return writer
  }
}
