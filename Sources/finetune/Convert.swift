import ArgumentParser
import Export
import Formats
import Tensors

/// `finetune convert`: a base model in another format.
struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Writes a base model in another format or type.",
    discussion: """
        finetune convert --model base --type Q8_0 --output base.gguf
        finetune convert --model base.gguf --type BF16 --output base

      A name that ends in .gguf makes a GGUF file, every other one a Hugging Face
      directory, which is in F32, F16 or BF16.
      """)

  @Option(help: "Model: a Hugging Face directory, a .gguf file or OWNER/NAME of the hub.")
  var model: String

  @Option(help: "Type of the weights: F32, F16, BF16; in a .gguf file any that export knows.")
  var type: GGUFModelType

  @Option(help: "New .gguf file, or new directory.")
  var output: String

  func run() throws {
    let path = try ModelReference.path(model)
    if output.hasSuffix(".gguf") {
      var settings = Exporter.Settings(model: path, format: .gguf, output: output)
      settings.type = type
      settings.name = lastPathComponent(model)
      let exporter = try Exporter(settings)
      for warning in exporter.warnings { Terminal.error.warn(warning) }
      try exporter.run()
    } else {
      guard let type = type.dataType else {
        throw Problem(
          "--type",
          "\(type.rawValue) is a type of GGUF files; give --output a name that ends in .gguf, or"
            + " choose F32, F16 or BF16")
      }
      try Converter.writeDirectory(model: path, output: output, type: type)
    }
    Terminal.error.write("written to \(output)\n")
  }
}

extension GGUFModelType {
  /// nil for one of several numbers together.
  fileprivate var dataType: DataType? {
    switch self {
    case .f32: .float32
    case .f16: .float16
    case .bf16: .bfloat16
    default: nil
    }
  }
}
