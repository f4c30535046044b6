import Formats

/// Reads `tokenizer.json`, the format of Hugging Face's tokenizers, and its neighbour
/// `tokenizer_config.json`.
struct TokenizerFile {
  let path: String
  let root: JSON

  init(_ path: String) throws(Problem) {
    self.path = path
    root = try Self.read(path)
  }

  private static func read(_ path: String) throws(Problem) -> JSON {
    let bytes = try readFile(path)
    do {
      return try JSONParser.parse(bytes)
    } catch {
      throw Problem("\(path):\(error.line)", "this is not JSON: \(error.message)")
    }
  }

  func definition() throws(Problem) -> Tokenizer.Definition {
    let model = try self.model()
    let vocabulary = try self.vocabulary(model)
    let preTokenizer = try PreTokenizerReader(path: path).read(root["pre_tokenizer"])
    try checkDecoder(root["decoder"])
    var definition = Tokenizer.Definition(
      vocabulary: vocabulary, encoder: try encoder(model, vocabulary),
      normalizer: try NormalizerReader(path: path).read(root["normalizer"]),
      preTokenizer: preTokenizer)
    definition.addedTokens = try addedTokens(vocabulary)
    (definition.bosToken, definition.eosToken) = try configuredTokens()
    return definition
  }

  private func problem(_ sentence: String) -> Problem { Problem(path, sentence) }

  // MARK: - The model

  /// The "model" object, once it is sure to be byte-pair encoding without further tricks.
  private func model() throws(Problem) -> JSON {
    guard let model = root["model"], model.object != nil else {
      throw problem(
        "\"model\" is missing, expected an object; use the file that came with the model")
    }
    let type = model["type"]?.string ?? (model["merges"] != nil ? "BPE" : "without a name")
    guard type == "BPE" else { throw Tokenizer.unsupported(type, path) }
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let value = model[key]?.string, !value.isEmpty {
        throw Tokenizer.unsupported("BPE with \(key)", path)
      }
    }
    if let dropout = model["dropout"]?.number, dropout != 0 {
      throw Tokenizer.unsupported("BPE with dropout", path)
    }
    return model
  }

  private func vocabulary(_ model: JSON) throws(Problem) -> Vocabulary {
    guard let members = model["vocab"]?.object?.members else {
      throw problem("\"model.vocab\" is missing, expected an object from token to id")
    }
    var tokens: [(spelling: String, id: Int)] = []
    tokens.reserveCapacity(members.count)
    for (token, value) in members {
      guard let id = value.integer else {
        throw problem("the id of token \"\(token)\" is \(value.kindName), expected a whole number")
      }
      tokens.append((token, id))
    }
    return try Vocabulary(tokens, place: path)
  }

  private func encoder(_ model: JSON, _ vocabulary: Vocabulary) throws(Problem) -> BytePairEncoder {
    guard let list = model["merges"]?.array else {
      throw problem("\"model.merges\" is missing, expected a list of pairs")
    }
    var pairs: [(String, String)] = []
    pairs.reserveCapacity(list.count)
    for (index, merge) in list.enumerated() {
      // "a b", or ["a", "b"] in files since 2024.
      let parts = merge.string?.splitAtSpaces() ?? merge.array?.compactMap(\.string) ?? []
      guard parts.count == 2 else {
        throw problem("merge \(index) is not a pair of tokens, expected \"a b\" or [\"a\", \"b\"]")
      }
      pairs.append((parts[0], parts[1]))
    }
    var unknown: BytePairEncoder.Unknown?
    if let token = model["unk_token"]?.string {
      guard let id = vocabulary.id(of: token) else {
        throw problem("the unknown token \"\(token)\" is not in the vocabulary")
      }
      unknown = .init(id: id, isFused: model["fuse_unk"]?.bool ?? false)
    }
    let encoder = BytePairEncoder(
      vocabulary: vocabulary,
      merges: try MergeTable(pairs, vocabulary, place: path),
      ignoresMerges: model["ignore_merges"]?.bool ?? false, unknown: unknown)
    if model["byte_fallback"]?.bool == true, encoder.lacksBytes {
      throw Tokenizer.unsupported("BPE with byte_fallback", path)
    }
    return encoder
  }

  /// Decoding is always putting bytes together; decoders that do something else are refused.
  private func checkDecoder(_ decoder: JSON?) throws(Problem) {
    guard let decoder, !decoder.isNull else { return }
    switch decoder["type"]?.string {
    case "ByteLevel", "Fuse": return
    case "Sequence":
      for part in decoder["decoders"]?.array ?? [] { try checkDecoder(part) }
    case let type:
      throw problem(
        "decoder type \"\(type ?? "")\" is not supported yet, expected \"ByteLevel\"; use another "
          + "model")
    }
  }

  // MARK: - Added tokens

  /// Added tokens in file order. Their ids follow Hugging Face's loader, which does not read them:
  /// a token of the vocabulary keeps its id there, others are numbered from the vocabulary's end.
  private func addedTokens(_ vocabulary: Vocabulary) throws(Problem) -> [(
    id: Int32, token: AddedToken
  )] {
    var tokens: [Int32: AddedToken] = [:]
    var ids: [[UInt8]: Int32] = [:]
    var nextID = Int32(vocabulary.count)
    for entry in root["added_tokens"]?.array ?? [] {
      guard let content = entry["content"]?.string else {
        throw problem("an entry of \"added_tokens\" has no \"content\", expected a text")
      }
      if content.isEmpty { continue }
      let bytes = Array(content.utf8)
      var id = nextID
      if let known = ids[bytes] ?? vocabulary.id(of: content) { id = known } else { nextID += 1 }
      ids[bytes] = id
      func flag(_ key: String) -> Bool { entry[key]?.bool ?? false }
      tokens[id] = AddedToken(
        content: content, isSingleWord: flag("single_word"), stripsLeft: flag("lstrip"),
        stripsRight: flag("rstrip"), isNormalized: entry["normalized"]?.bool ?? !flag("special"),
        isSpecial: flag("special"))
    }
    return tokens.map { ($0.key, $0.value) }
  }

  /// `bos_token` and `eos_token` of the neighbouring `tokenizer_config.json`, where there is one:
  /// a text, or an object with the text as "content".
  private func configuredTokens() throws(Problem) -> (bos: String?, eos: String?) {
    let directory = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) } ?? "."
    let file = directory + "/tokenizer_config.json"
    guard fileExists(file) else { return (nil, nil) }
    let configuration = try Self.read(file)
    func text(_ key: String) -> String? {
      configuration[key]?.string ?? configuration[key]?["content"]?.string
    }
    return (text("bos_token"), text("eos_token"))
  }
}
