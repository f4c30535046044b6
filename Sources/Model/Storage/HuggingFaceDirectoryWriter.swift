package import Formats
package import Tensors

/// Writes a model as a Hugging Face directory: configuration, tokenizer and safetensors, in shards
/// where the weights are large. The directory appears when it is complete.
package struct HuggingFaceDirectoryWriter {
  /// The model that configuration and tokenizer come from.
  package let source: PretrainedFiles
  /// Files that hold the tokenizer; used where the source is a GGUF file, which has none to copy.
  package var tokenizerFiles: [(name: String, text: String)] = []
  /// Files that take the place of the source's.
  package var replacedFiles: [(name: String, text: String)] = []
  /// Where weights are cut into shards.
  package var maximumShardBytes = 5_000_000_000

  package init(source: PretrainedFiles) { self.source = source }

  /// Files that a directory hands on as they are.
  static let copiedFiles = [
    "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", "vocab.json", "merges.txt", "tokenizer.model", "spiece.model",
    "tekken.json",
    "chat_template.jinja", "chat_template.json",
  ]
  static let copiedDirectories = ["additional_chat_templates"]

  /// Writes a directory that must not exist yet, or be empty.
  ///
  /// - Parameters:
  ///   - path: The directory.
  ///   - groups: The tensors, in the order they are made.
  ///   - type: The type of unquantized weights, for `config.json`.
  ///   - configurationChanges: Members to set in `config.json`, nil to remove.
  ///   - progress: Called with the fraction of bytes that are written.
  /// - Throws: A `Problem` of the source, or of the disk; nothing is left then.
  package func write(
    to path: String, groups: [TensorGroup], type: DataType,
    configurationChanges: [(key: String, value: JSON?)] = [], progress: (Double) -> Void = { _ in }
  ) throws {
    let directory = try AtomicDirectory(path)
    try requireSpace(groups.reduce(0) { $0 + $1.byteCount }, at: directory.path)
    var configuration = source.configuration.json
    configuration.set("quantization_config", nil)
    // transformers 5 reads `dtype`, all before it and llama.cpp's converter `torch_dtype`.
    for key in ["dtype", "torch_dtype"] { configuration.set(key, .string(type.torchName)) }
    for (key, value) in configurationChanges { configuration.set(key, value) }
    try writeJSON(configuration, to: "\(directory.path)/config.json")
    try writeCompanions(to: directory.path)
    try writeWeights(groups, to: directory.path, progress: progress)
    try directory.commit()
  }

  /// Writes the model with its linear layers in NF4, as transformers with bitsandbytes loads it.
  package func writeNF4(
    to path: String, doubleQuantization: Bool, valueType: DataType = .bfloat16,
    progress: (Double) -> Void = { _ in }
  ) throws {
    let groups = try source.nf4TensorGroups(
      doubleQuantization: doubleQuantization, valueType: valueType)
    let quantization = BitsAndBytesLayout.configuration(
      doubleQuantization: doubleQuantization, valueType: valueType)
    try write(
      to: path, groups: groups, type: valueType,
      configurationChanges: [("quantization_config", quantization)], progress: progress)
  }

  // MARK: - Parts of the directory

  private func writeJSON(_ json: JSON, to path: String) throws(Problem) {
    try writeFile(path, json.text(.indented) + "\n")
  }

  private func writeCompanions(to path: String) throws(Problem) {
    switch source.source {
    case .huggingFace(let directory):
      for name in Self.copiedFiles where fileExists("\(directory)/\(name)") {
        try writeFile("\(path)/\(name)", bytes: try readFile("\(directory)/\(name)"))
      }
      for name in Self.copiedDirectories where directoryExists("\(directory)/\(name)") {
        try createDirectory("\(path)/\(name)")
        for file in try directoryEntries("\(directory)/\(name)") {
          try writeFile(
            "\(path)/\(name)/\(file)", bytes: try readFile("\(directory)/\(name)/\(file)"))
        }
      }
    case .gguf:
      for (name, text) in tokenizerFiles { try writeFile("\(path)/\(name)", text) }
      let keys = ["bos_token_id", "eos_token_id", "pad_token_id"]
      let tokens = keys.compactMap { key in source.configuration.json[key].map { (key, $0) } }
      try writeJSON(.object(JSONObject(tokens)), to: "\(path)/generation_config.json")
    }
    for (name, text) in replacedFiles { try writeFile("\(path)/\(name)", text) }
  }

  private func writeWeights(
    _ groups: [TensorGroup], to path: String, progress: (Double) -> Void
  ) throws {
    let shards = Self.shards(groups, maximumBytes: maximumShardBytes)
    let total = groups.reduce(0) { $0 + $1.byteCount }
    var written = 0
    var places: [(key: String, value: JSON)] = []
    for (index, shard) in shards.enumerated() {
      let name = Self.shardName(index, of: shards.count)
      let entries = shard.flatMap(\.entries)
      let writer = try SafetensorsWriter("\(path)/\(name)", entries: entries)
      for group in shard {
        try group.bring { try writer.write($1, of: $0) }
        written += group.byteCount
        progress(Double(written) / Double(max(total, 1)))
      }
      try writer.finish()
      places += entries.map { ($0.name, .string(name)) }
    }
    guard shards.count > 1 else { return }
    let index: JSON = [
      "metadata": ["total_size": .integer(total)], "weight_map": .object(JSONObject(places)),
    ]
    try writeJSON(index, to: "\(path)/\(HuggingFaceWeights.indexName)")
  }

  /// Whole groups, as many as fit into each shard.
  private static func shards(_ groups: [TensorGroup], maximumBytes: Int) -> [[TensorGroup]] {
    var shards: [[TensorGroup]] = [[]]
    var size = 0
    for group in groups {
      if size > 0, size + group.byteCount > maximumBytes {
        shards.append([])
        size = 0
      }
      shards[shards.count - 1].append(group)
      size += group.byteCount
    }
    return shards
  }

  private static func shardName(_ index: Int, of count: Int) -> String {
    func digits(_ number: Int) -> String {
      let text = String(number)
      return String(repeating: "0", count: max(0, 5 - text.count)) + text
    }
    return count == 1
      ? HuggingFaceWeights.singleName
      : "model-\(digits(index + 1))-of-\(digits(count)).safetensors"
  }
}
