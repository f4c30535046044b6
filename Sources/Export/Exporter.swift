import Formats
import Model
package import Text

/// `finetune export`: base and adapter in the format of another program.
///
/// What that format cannot express is refused by `init`, before any weight is read.
package struct Exporter {
  package enum Format: String, CaseIterable, Sendable {
    /// Base, and the adapter merged into it, as a file of llama.cpp's.
    case gguf
    /// The adapter alone, for llama.cpp's `--lora`.
    case ggufLoRA = "gguf-lora"
    /// The adapter alone, as mlx-lm loads it.
    case mlx
    /// A directory with the merged model and a Modelfile.
    case ollama
  }

  package struct Settings {
    package var model: String
    package var adapter: String?
    package var format: Format
    /// nil: F16 for models, F32 for adapters.
    package var type: GGUFModelType?
    package var output: String
    /// nil: the name of the model's file or directory.
    package var name: String?
    package var system: String?
    /// What the model's chat template is told, where the format needs what it writes.
    package var templateVariables = TemplateVariables()

    package init(model: String, format: Format, output: String) {
      self.model = model
      self.format = format
      self.output = output
    }
  }

  private enum Work {
    case model(GGUFModelWriter)
    case adapter(GGUFAdapterWriter)
    case mlx(MLXAdapterWriter)
    case ollama(OllamaDirectoryWriter)
  }

  private let work: Work
  private let adapters: AdapterSet?
  private let output: String
  package let warnings: [String]

  /// - Throws: A `Problem` with what stands in the way.
  package init(_ settings: Settings) throws {
    output = settings.output
    let isFile = [.gguf, .ggufLoRA].contains(settings.format)
    guard !(isFile && directoryExists(output)) else {
      throw Problem("--output", "\(output) is a directory, expected the name of a .gguf file")
    }
    let files = try PretrainedFiles.open(settings.model)
    let loaded = try settings.adapter.map {
      try PEFTDirectory.load(
        $0, linears: files.specification.linears, baseFingerprint: files.fingerprint)
    }
    adapters = loaded?.adapters
    var warnings = loaded?.warnings ?? []
    work = try Self.work(settings, files, loaded?.adapters, &warnings)
    self.warnings = warnings
  }

  private static func work(
    _ settings: Settings, _ files: PretrainedFiles, _ adapters: AdapterSet?,
    _ warnings: inout [String]
  ) throws -> Work {
    let name = settings.name ?? lastPathComponent(settings.model)
    func adapterAlone() throws(Problem) -> (AdapterSet, String) {
      guard let adapters, let path = settings.adapter else {
        throw Problem(
          "--format \(settings.format.rawValue)",
          "this is the format of an adapter; name one with --adapter")
      }
      return (adapters, path)
    }
    switch settings.format {
    case .gguf:
      let writer = try GGUFModelWriter(
        files, type: settings.type ?? .f16, name: name, adapter: settings.adapter,
        endOfTurn: try ExportedChat(
          files, adapter: settings.adapter, variables: settings.templateVariables
        ).endOfTurn)
      warnings += writer.warnings
      return .model(writer)
    case .ollama:
      let writer = try OllamaDirectoryWriter(
        files, type: settings.type ?? .f16, name: name, adapter: settings.adapter,
        system: settings.system, variables: settings.templateVariables)
      warnings += writer.warnings
      return .ollama(writer)
    case .ggufLoRA:
      let (adapters, path) = try adapterAlone()
      return .adapter(
        try GGUFAdapterWriter(
          adapters, on: files.configuration, type: settings.type ?? .f32, path: path))
    case .mlx:
      guard settings.type == nil || settings.type == .f32 else {
        throw Problem("--type", "an MLX adapter is written in F32; leave --type out")
      }
      let (adapters, path) = try adapterAlone()
      return .mlx(
        try MLXAdapterWriter(
          adapters, on: files.configuration, model: settings.model, path: path))
    }
  }

  /// Writes what was asked for, which appears when it is complete.
  ///
  /// - Parameter progress: Called with the fraction of bytes that are written.
  package func run(progress: (Double) -> Void = { _ in }) throws {
    switch work {
    case .model(let writer): try writer.write(to: output, adapters: adapters, progress: progress)
    case .ollama(let writer): try writer.write(to: output, adapters: adapters, progress: progress)
    case .adapter(let writer): try writer.write(to: output)
    case .mlx(let writer): try writer.write(to: output)
    }
  }
}
