import Model
import Tensors

/// `finetune quantize`: a Hugging Face directory in bitsandbytes' NF4 layout. Everything that is not
/// quantized keeps the type of the base; from a base in GGUF's blocks it becomes bfloat16.
package enum QuantizedModelWriter {
  package static func run(
    model path: String, output: String, doubleQuantization: Bool,
    progress: (Double) -> Void = { _ in }
  ) throws {
    let files = try PretrainedFiles.open(path)
    try files.directoryWriter().writeNF4(
      to: output, doubleQuantization: doubleQuantization,
      valueType: files.linearType ?? .bfloat16, progress: progress)
  }
}
