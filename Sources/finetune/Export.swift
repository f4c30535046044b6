import ArgumentParser
import Export
import Formats

/// `finetune export`: base and adapter for another program.
struct ExportVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes a model, or an adapter, as llama.cpp, Ollama or mlx-lm load it.",
    discussion: """
        finetune export --model base --adapter run/adapter --format gguf \\
            --type Q4_K_M --output ferry.gguf
        finetune export --model base --adapter run/adapter --format ollama \\
            --type Q8_0 --output ferry && ollama create ferry -f ferry/Modelfile
        finetune export --model base --adapter run/adapter --format gguf-lora \\
            --output ferry-lora.gguf
        finetune export --model base --adapter run/adapter --format mlx --output ferry-mlx

      gguf and ollama hold the whole model, with the adapter merged in if there is one;
      gguf-lora and mlx hold the adapter alone. What a format cannot express is refused
      before any work.
      """)

  @Option(help: "Base model: a Hugging Face directory, a .gguf file or OWNER/NAME of the hub.")
  var model: String

  @Option(help: "Adapter directory.")
  var adapter: String?

  @Option(help: "What to write: gguf, gguf-lora, mlx or ollama.")
  var format: Exporter.Format

  @Option(
    help: """
      Type of the weights: F32, F16, BF16, Q8_0, Q6_K, Q5_K_M, Q4_K_M, Q4_1 or Q4_0 \
      (default: F16; an adapter: F32).
      """)
  var type: GGUFModelType?

  @Option(help: "New file (gguf, gguf-lora) or directory (mlx, ollama).")
  var output: String

  @Option(help: "Name of the model inside the file (default: that of --model).")
  var name: String?

  @Option(help: "With ollama: system message for conversations without one.")
  var system: String?

  @OptionGroup var variables: TemplateVariableOptions

  func run() throws {
    var settings = Exporter.Settings(
      model: try ModelReference.path(model), format: format, output: output)
    settings.adapter = try adapter.map { try ModelReference.path($0) }
    settings.type = type
    settings.name = name ?? lastPathComponent(model)
    settings.system = system
    settings.templateVariables = try variables.variables()
    let exporter = try Exporter(settings)
    for warning in exporter.warnings { Terminal.error.warn(warning) }
    try exporter.run()
    Terminal.error.write("written to \(output)\n")
  }

  func validate() throws {
    if system != nil, format != .ollama {
      throw ValidationError("--system: only --format ollama has a place for it")
    }
    if !variables.templateVariables.isEmpty, ![.gguf, .ollama].contains(format) {
      throw ValidationError(
        "--template-variable: only --format gguf and ollama look at the chat template")
    }
  }
}

extension Exporter.Format: ExpressibleByArgument {}
extension GGUFModelType: ExpressibleByArgument {}
