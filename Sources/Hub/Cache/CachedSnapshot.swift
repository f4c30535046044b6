import Formats

/// A repository in the cache, as far as it is there.
package struct CachedSnapshot: Sendable {
  package let name: HubName
  /// The directory.
  package let path: String
  package let commit: String

  /// What the cache holds of the revision, without asking the hub; nil where that is nothing.
  package init?(_ name: HubName, in cache: HubCache) {
    guard let commit = cache.commit(name) else { return nil }
    path = cache.snapshot(name, commit)
    guard directoryExists(path) else { return nil }
    self.name = name
    self.commit = commit
  }

  /// The directory or the GGUF file that a model, or an adapter, can be loaded from; nil where a file of
  /// it is missing. Links whose blobs are missing do not count.
  package var modelPath: String? {
    if let word = name.file { return ggufFile(word) }
    if hasWeights && hasTokenizer || isAdapter { return path }
    return hasWeights ? nil : onlyGGUF
  }

  /// All files in it by their paths.
  package var files: [String] { relativePaths(below: "") }

  /// What `name.file` means here: a file by its path, or the one GGUF file of a quantization.
  private func ggufFile(_ word: String) -> String? {
    if fileExists("\(path)/\(word)") { return "\(path)/\(word)" }
    guard let files = try? GGUFChoice(files).named(word, name), files.count == 1 else { return nil }
    return "\(path)/\(files[0])"
  }

  private var hasWeights: Bool {
    guard fileExists("\(path)/config.json") else { return false }
    if fileExists("\(path)/\(FileSelection.single)") { return true }
    let index = "\(path)/\(FileSelection.index)"
    guard fileExists(index), let files = try? ShardIndex.files(index, place: index) else {
      return false
    }
    return files.allSatisfy { fileExists("\(path)/\($0)") }
  }

  private var hasTokenizer: Bool {
    ["tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "tekken.json", "spiece.model"]
      .contains { fileExists("\(path)/\($0)") }
  }

  private var onlyGGUF: String? {
    guard let found = try? GGUFChoice(files).only(name), found.count == 1 else { return nil }
    return "\(path)/\(found[0])"
  }

  private var isAdapter: Bool {
    ["adapter_config.json", "adapter_model.safetensors"].allSatisfy { fileExists("\(path)/\($0)") }
  }

  /// Files in it by their paths, of which a cut link is none.
  private func relativePaths(below folder: String, depth: Int = 0) -> [String] {
    guard depth < 8, let names = try? directoryEntries("\(path)/\(folder)") else { return [] }
    return names.flatMap { name -> [String] in
      let relative = folder.isEmpty ? name : "\(folder)/\(name)"
      if directoryExists("\(path)/\(relative)") {
        return relativePaths(below: relative, depth: depth + 1)
      }
      return fileExists("\(path)/\(relative)") ? [relative] : []
    }
  }
}
