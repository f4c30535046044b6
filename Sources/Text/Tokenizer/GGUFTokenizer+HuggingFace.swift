package import Formats

extension Tokenizer {
  /// The files that make the tokenizer and chat template of a GGUF file known to Hugging Face
  /// libraries: `tokenizer.json`, `tokenizer_config.json`, `chat_template.jinja`. Ids are the same.
  ///
  /// - Parameter template: Written where there is one; both places that readers look in get it.
  package static func huggingFaceFiles(
    ofGGUF path: String, template: String?
  ) throws(Problem) -> [(name: String, text: String)] {
    let tokenizer = GGUFTokenizer(try GGUFFile(path))
    var files = [
      ("tokenizer.json", try tokenizer.huggingFaceJSON().text(.indented)),
      ("tokenizer_config.json", try tokenizer.configurationJSON(template).text(.indented) + "\n"),
    ]
    if let template { files.append(("chat_template.jinja", template)) }
    return files
  }
}

extension GGUFTokenizer {
  fileprivate func huggingFaceJSON() throws(Problem) -> JSON {
    switch try model() {
    case "gpt2": return try byteLevelJSON()
    case "llama", "gemma4": return try characterJSON()
    case let model:
      throw Problem(
        file.path,
        "its tokenizer \"\(model)\" (key tokenizer.ggml.model) cannot be written as tokenizer.json, "
          + "expected gpt2, llama or gemma4; use the model's Hugging Face directory")
    }
  }

  /// SentencePiece: characters with marks for spaces, bytes for what the vocabulary lacks.
  private func characterJSON() throws(Problem) -> JSON {
    let tokens = try strings("tokenizer.ggml.tokens")
    let isListed = try model() == "gemma4"
    let mark = JSON.string("\u{2581}")
    var normalizers: [JSON] = [
      ["type": "Replace", "pattern": ["String": " "], "content": mark]
    ]
    let hasPrefix = !isListed && addsSpacePrefix
    if hasPrefix { normalizers.insert(["type": "Prepend", "prepend": mark], at: 0) }
    var decoders: [JSON] = [
      ["type": "Replace", "pattern": ["String": mark], "content": " "],
      ["type": "ByteFallback"], ["type": "Fuse"],
    ]
    if hasPrefix { decoders.append(["type": "Strip", "content": " ", "start": 1, "stop": 0]) }
    let lines: JSON = [
      "type": "Split", "pattern": ["Regex": #"[^\n]+|\n+"#], "behavior": "Isolated",
      "invert": false,
    ]
    return [
      "version": "1.0",
      "truncation": nil,
      "padding": nil,
      "added_tokens": .array(try addedTokens(tokens).map(Self.json)),
      "normalizer": ["type": "Sequence", "normalizers": .array(normalizers)],
      "pre_tokenizer": isListed ? lines : nil,
      "post_processor": postProcessor(tokens),
      "decoder": ["type": "Sequence", "decoders": .array(decoders)],
      "model": [
        "type": "BPE",
        "dropout": nil,
        "unk_token": token("tokenizer.ggml.unknown_token_id", of: tokens).map(JSON.string) ?? nil,
        "continuing_subword_prefix": nil,
        "end_of_word_suffix": nil,
        "fuse_unk": true,
        "byte_fallback": true,
        "ignore_merges": false,
        "vocab": Self.vocabulary(tokens),
        "merges": .array(try isListed ? pairs().map(Self.pair) : impliedMerges(tokens)),
      ],
    ]
  }

  /// The merges that the scores stand for, in their order. Of those that make the same token the ones
  /// with the longer left part come first, as in the files of such models.
  private func impliedMerges(_ tokens: [String]) throws(Problem) -> [JSON] {
    let merges = try sentencePiece(tokens).merges
    let limit = Int32(tokens.count)
    return merges.merges.filter { $0.left < limit && $0.right < limit }
      .map { Self.pair((tokens[Int($0.left)], tokens[Int($0.right)])) }
  }

  private static func pair(_ merge: (String, String)) -> JSON {
    [.string(merge.0), .string(merge.1)]
  }

  private static func vocabulary(_ tokens: [String]) -> JSON {
    .object(
      JSONObject(tokens.enumerated().map { (key: $0.element, value: JSON.integer($0.offset)) }))
  }

  private func byteLevelJSON() throws(Problem) -> JSON {
    let tokens = try strings("tokenizer.ggml.tokens")
    let merges = try strings("tokenizer.ggml.merges")
    let words = try wordRule()
    return [
      "version": "1.0",
      "truncation": nil,
      "padding": nil,
      "added_tokens": .array(try addedTokens(tokens).map(Self.json)),
      "normalizer": nil,
      "pre_tokenizer": [
        "type": "Sequence", "pretokenizers": .array(words.patterns.map(Self.split) + [Self.bytes]),
      ],
      "post_processor": postProcessor(tokens),
      "decoder": Self.bytes,
      "model": [
        "type": "BPE",
        "dropout": nil,
        "unk_token": nil,
        "continuing_subword_prefix": nil,
        "end_of_word_suffix": nil,
        "fuse_unk": false,
        "byte_fallback": false,
        "ignore_merges": .bool(words.ignoresMerges),
        "vocab": Self.vocabulary(tokens),
        "merges": .array(merges.map(JSON.string)),
      ],
    ]
  }

  private static func json(_ entry: (id: Int32, token: AddedToken)) -> JSON {
    [
      "id": .integer(Int(entry.id)),
      "content": .string(entry.token.content),
      "single_word": false,
      "lstrip": false,
      "rstrip": false,
      "normalized": false,
      "special": .bool(entry.token.isSpecial),
    ]
  }

  private static func split(_ pattern: String) -> JSON {
    [
      "type": "Split", "pattern": ["Regex": .string(pattern)], "behavior": "Isolated",
      "invert": false,
    ]
  }

  /// Puts the token that begins a text before it, where the model wants that.
  private func postProcessor(_ tokens: [String]) -> JSON {
    let key = "tokenizer.ggml.bos_token_id"
    guard startsWithBOS, let id = file.metadata[key]?.integer, let bos = token(key, of: tokens)
    else {
      return (try? model()) == "gpt2" ? Self.bytes : nil
    }
    func part(_ kind: String, _ id: String, _ type: Int) -> JSON {
      .object(JSONObject([(kind, ["id": .string(id), "type_id": .integer(type)])]))
    }
    let single = [part("SpecialToken", bos, 0), part("Sequence", "A", 0)]
    let second = [part("SpecialToken", bos, 1), part("Sequence", "B", 1)]
    let special: JSON = [
      "id": .string(bos), "ids": [.integer(id)], "tokens": [.string(bos)],
    ]
    return [
      "type": "TemplateProcessing", "single": .array(single), "pair": .array(single + second),
      "special_tokens": .object(JSONObject([(bos, special)])),
    ]
  }

  private var startsWithBOS: Bool { adds("bos") }

  /// Bytes spelled as characters; the cutting is done by then.
  private static var bytes: JSON {
    ["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false]
  }

  fileprivate func configurationJSON(_ template: String?) throws(Problem) -> JSON {
    let tokens = try strings("tokenizer.ggml.tokens")
    var members: [(key: String, value: JSON)] = [
      ("tokenizer_class", "PreTrainedTokenizerFast"),
      ("clean_up_tokenization_spaces", false),
      ("add_bos_token", .bool(startsWithBOS)),
    ]
    for (key, source) in [
      ("bos_token", "bos"), ("eos_token", "eos"), ("unk_token", "unknown"),
      ("pad_token", "padding"),
    ] {
      guard let text = token("tokenizer.ggml.\(source)_token_id", of: tokens) else { continue }
      members.append((key, .string(text)))
    }
    let architecture = file.metadata["general.architecture"]?.string ?? ""
    if let length = file.metadata["\(architecture).context_length"]?.integer {
      members.append(("model_max_length", .integer(length)))
    }
    if let template { members.append(("chat_template", .string(template))) }
    return .object(JSONObject(members))
  }
}
