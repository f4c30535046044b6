package import Formats

/// Writes the tokenizer of a GGUF file in the form of a Hugging Face directory, for models that are
/// merged or quantized from one.
package struct GGUFTokenizerExport {
  private let file: GGUFFile
  private let tokens: [String]
  private let words: GGUFWordRule

  /// - Throws: A `Problem` for a file without a byte-level BPE tokenizer that `Tokenizer` can load.
  package init(_ path: String) throws(Problem) {
    file = try GGUFFile(path)
    // Loading it checks every key that is used here.
    _ = try GGUFTokenizer(path).definition()
    guard let tokens = file.metadata["tokenizer.ggml.tokens"]?.strings,
      let words = file.metadata["tokenizer.ggml.pre"]?.string.flatMap({ GGUFWordRule($0) })
    else { preconditionFailure("\(path): the tokenizer loaded without its keys") }
    self.tokens = tokens
    self.words = words
  }

  /// Names and contents of the files.
  package var files: [(name: String, text: String)] {
    var files = [
      ("tokenizer.json", tokenizer.text(.indented) + "\n"),
      ("tokenizer_config.json", configuration.text(.indented) + "\n"),
    ]
    if let template { files.append(("chat_template.jinja", template)) }
    return files
  }

  private var template: String? { file.metadata["tokenizer.chat_template"]?.string }
  private var startsWithBOS: Bool { file.metadata["tokenizer.ggml.add_bos_token"]?.bool ?? false }

  private func token(_ name: String) -> (text: String, id: Int)? {
    guard let id = file.metadata["tokenizer.ggml.\(name)_token_id"]?.integer,
      tokens.indices.contains(id)
    else { return nil }
    return (tokens[id], id)
  }

  // MARK: - tokenizer.json

  private var tokenizer: JSON {
    [
      "version": "1.0", "truncation": nil, "padding": nil, "added_tokens": .array(addedTokens),
      "normalizer": nil, "pre_tokenizer": preTokenizer, "post_processor": postProcessor,
      "decoder": Self.byteLevel, "model": model,
    ]
  }

  private static let byteLevel: JSON = [
    "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false,
  ]

  /// Tokens of the types unknown (2), control (3) and user-defined (4).
  private var addedTokens: [JSON] {
    let types = file.metadata["tokenizer.ggml.token_type"]?.integers ?? []
    return zip(tokens, types).enumerated().compactMap { id, entry in
      guard (2...4).contains(entry.1), !entry.0.isEmpty else { return nil }
      return [
        "id": .integer(id), "content": .string(entry.0), "single_word": false, "lstrip": false,
        "rstrip": false, "normalized": false, "special": .bool(entry.1 != 4),
      ]
    }
  }

  private var preTokenizer: JSON {
    let splits: [JSON] = words.patterns.map { pattern in
      [
        "type": "Split", "pattern": ["Regex": .string(pattern)], "behavior": "Isolated",
        "invert": false,
      ]
    }
    return ["type": "Sequence", "pretokenizers": .array(splits + [Self.byteLevel])]
  }

  private var postProcessor: JSON {
    guard startsWithBOS, let bos = token("bos") else { return Self.byteLevel }
    let start: JSON = ["SpecialToken": ["id": .string(bos.text), "type_id": 0]]
    func sequence(_ id: String, _ type: Int) -> JSON {
      ["Sequence": ["id": .string(id), "type_id": .integer(type)]]
    }
    let special: JSON = [
      "id": .string(bos.text), "ids": [.integer(bos.id)], "tokens": [.string(bos.text)],
    ]
    return [
      "type": "TemplateProcessing", "single": [start, sequence("A", 0)],
      "pair": [start, sequence("A", 0), start, sequence("B", 1)],
      "special_tokens": .object(JSONObject([(bos.text, special)])),
    ]
  }

  private var model: JSON {
    let vocabulary = tokens.enumerated().map { (key: $0.element, value: JSON.integer($0.offset)) }
    let merges = file.metadata["tokenizer.ggml.merges"]?.strings ?? []
    return [
      "type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil,
      "end_of_word_suffix": nil, "fuse_unk": false, "byte_fallback": false,
      "ignore_merges": .bool(words.ignoresMerges), "vocab": .object(JSONObject(vocabulary)),
      "merges": .array(merges.map { .string($0) }),
    ]
  }

  // MARK: - tokenizer_config.json

  private var configuration: JSON {
    var configuration: JSON = [
      "tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": .bool(startsWithBOS),
      "clean_up_tokenization_spaces": false,
    ]
    for (key, name) in [
      ("bos_token", "bos"), ("eos_token", "eos"), ("pad_token", "padding"),
      ("unk_token", "unknown"),
    ] {
      configuration.set(key, token(name).map { .string($0.text) })
    }
    let architecture = file.metadata["general.architecture"]?.string ?? ""
    let length = file.metadata["\(architecture).context_length"]?.integer
    configuration.set("model_max_length", length.map { .integer($0) })
    // Readers before transformers 4.47 know only this place, later ones the file beside it.
    configuration.set("chat_template", template.map { .string($0) })
    return configuration
  }
}
