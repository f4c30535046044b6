import Formats
import Foundation

/// Which files of a repository are wanted.
package struct FileSelection: Sendable {
  /// Shell patterns of paths; where there are some, they alone say what is wanted.
  package var include: [String] = []
  /// Shell patterns of paths that are not wanted.
  package var exclude: [String] = []
  /// A file, or the quantization in the name of a GGUF file.
  package var file: String?
  package init() {}

  /// What is to be got.
  struct Choice: Sendable, Equatable {
    var files: [String]
    /// Among them the file that says which further ones hold the weights.
    var index: String?
  }

  static let index = "model.safetensors.index.json"
  static let single = "model.safetensors"
  private static let adapter = "adapter_model.safetensors"
  private static let adapterConfiguration = "adapter_config.json"

  /// - Parameter paths: All files of the repository.
  func choose(from paths: [String], of name: HubName) throws(Problem) -> Choice {
    let pickles = paths.filter(Self.isPickle)
    let safe = paths.filter { !Self.isPickle($0) && !$0.hasSuffix(".py") }
    var choice: Choice
    if !include.isEmpty {
      choice = Choice(files: safe.filter { matches($0, include) })
    } else if name.kind == .dataset {
      choice = Choice(files: try data(safe, name))
    } else {
      choice = try model(safe, name, pickles: pickles)
    }
    choice.files.removeAll { matches($0, exclude) }
    if let index = choice.index, !choice.files.contains(index) { choice.index = nil }
    guard choice.files.isEmpty else { return choice }
    if let pickle = pickles.first(where: { matches($0, include) }) {
      throw Problem(
        name.description,
        "\(pickle) is a pickle file, which is never read because it can run code; look for a version in"
          + " safetensors")
    }
    throw Problem(
      name.description,
      "none of its \(paths.count) files is wanted; change --include or --exclude")
  }

  /// Those of the files that an index names which are not excluded.
  func allowed(_ paths: [String]) -> [String] { paths.filter { !matches($0, exclude) } }

  // MARK: Models

  private func model(
    _ paths: [String], _ name: HubName, pickles: [String]
  ) throws(Problem) -> Choice {
    let companions = paths.filter(Self.isCompanion)
    if let file { return try named(file, paths, companions, name) }
    if paths.contains(Self.index) || paths.contains(Self.single) {
      // Where both are there the single file is the whole model.
      let isSharded = !paths.contains(Self.single)
      return Choice(
        files: companions + [isSharded ? Self.index : Self.single],
        index: isSharded ? Self.index : nil)
    }
    let shards = paths.filter { $0.hasPrefix("model-") && $0.hasSuffix(".safetensors") }
    if !shards.isEmpty { return Choice(files: companions + shards) }
    if paths.contains(Self.adapter) {
      return Choice(
        files: companions + [Self.adapter] + paths.filter { $0 == Self.adapterConfiguration })
    }
    let models = GGUFChoice(paths)
    if !models.isEmpty { return Choice(files: try models.only(name)) }
    if let pickle = pickles.first(where: { !$0.contains("/") }) ?? pickles.first {
      throw Problem(
        name.description,
        "it holds its weights only as pickle files (\(pickle)), which are never read because they can run"
          + " code; look for a version in safetensors, often a revision such as @refs/pr/1, or convert it"
      )
    }
    throw Problem(
      name.description,
      "it holds no model.safetensors and no .gguf file; name what is wanted with --include")
  }

  /// One GGUF file, its parts, or another file by its path.
  private func named(
    _ file: String, _ paths: [String], _ companions: [String], _ name: HubName
  ) throws(Problem) -> Choice {
    if paths.contains(file) {
      return Choice(files: file.hasSuffix(".gguf") ? [file] : companions + [file])
    }
    return Choice(files: try GGUFChoice(paths).named(file, name))
  }

  /// Configuration, tokenizer, template and licence: small files that belong to a model.
  private static func isCompanion(_ path: String) -> Bool {
    if path.hasPrefix("additional_chat_templates/") && path.hasSuffix(".jinja") { return true }
    guard !path.contains("/") else { return false }
    let names = [
      "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
      "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "vocab.txt",
      "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "tekken.json",
      "chat_template.jinja", "chat_template.json", "quantize_config.json", "quant_config.json",
    ]
    return names.contains(path) || path.hasPrefix("LICENSE") || path.hasPrefix("NOTICE")
  }

  // MARK: Data sets

  private func data(_ paths: [String], _ name: HubName) throws(Problem) -> [String] {
    if let file {
      guard paths.contains(file) else {
        let near = nearest(to: file, among: paths).map { "; did you mean \"\($0)\"?" } ?? ""
        throw Problem("\(name)", "there is no file \"\(file)\" in the data set\(near)")
      }
      return [file]
    }
    let endings = [
      ".json", ".jsonl", ".parquet", ".csv", ".tsv", ".txt", ".arrow", ".gz", ".zst", ".md",
    ]
    return paths.filter { path in
      endings.contains { path.hasSuffix($0) } || RepositoryPath.lastComponent(path) == "LICENSE"
    }
  }

  // MARK: Patterns

  /// As Python's fnmatch: `*` also stands for slashes; a folder stands for all that is in it.
  private func matches(_ path: String, _ patterns: [String]) -> Bool {
    patterns.contains { pattern in
      fnmatch(pattern.hasSuffix("/") ? pattern + "*" : pattern, path, 0) == 0
    }
  }

  /// Files that run code when they are read.
  static func isPickle(_ path: String) -> Bool {
    [".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".npy"].contains {
      path.lowercased().hasSuffix($0)
    }
  }
}
