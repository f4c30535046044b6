import Formats
import Model
import Text

extension PretrainedFiles {
  /// A writer that hands the tokenizer and the template on.
  func directoryWriter() throws -> HuggingFaceDirectoryWriter {
    var writer = HuggingFaceDirectoryWriter(source: self)
    if case .gguf = source {
      writer.tokenizerFiles = try Tokenizer.huggingFaceFiles(
        ofGGUF: tokenizerPath, template: try ChatTemplate.load(tokenizerPath)?.source)
    }
    return writer
  }
}
