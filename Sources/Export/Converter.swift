import Formats
import Model
package import Tensors

/// `finetune convert`: a base model in another format or type, its weights as they are.
package enum Converter {
  /// A Hugging Face directory with weights in one type; from a GGUF file with its tokenizer.
  package static func writeDirectory(
    model path: String, output: String, type: DataType, progress: (Double) -> Void = { _ in }
  ) throws {
    let files = try PretrainedFiles.open(path)
    try files.directoryWriter().write(
      to: output, groups: files.tensorGroups(as: type), type: type, progress: progress)
  }
}
