import Formats

/// What a model path leads to.
enum ModelPlace {
  /// A Hugging Face directory.
  case directory(String)
  case gguf(String)

  init(_ path: String) throws(Problem) {
    if directoryExists(path) {
      self = try Self.inDirectory(path)
    } else if path.hasSuffix(".safetensors") || path.hasSuffix(".bin") || path.hasSuffix(".json") {
      throw Problem(
        path, "expected a model directory or a .gguf file; name the directory around it")
    } else {
      self = .gguf(path)
    }
  }

  private static func inDirectory(_ path: String) throws(Problem) -> ModelPlace {
    if fileExists("\(path)/config.json") { return .directory(path) }
    let names = try directoryEntries(path)
    let models = names.filter { $0.hasSuffix(".gguf") }
    if models.count == 1 { return .gguf("\(path)/\(models[0])") }
    if let first = GGUFSplit.firstPart(ofAll: models) { return .gguf("\(path)/\(first)") }
    if names.contains("adapter_config.json") {
      throw Problem(
        path, "this is an adapter, expected a base model; name the model that it was trained on")
    }
    throw Problem(
      path,
      models.isEmpty
        ? "there is no config.json and no .gguf file; name a model directory or a .gguf file"
        : "there are \(models.count) .gguf files; name one of them")
  }
}
