package import Formats

/// The `tokenizer.*` keys of a GGUF file, made from a model's `tokenizer.json`.
///
/// Two kinds of tokenizer have a place there: byte-level byte-pair encoding (`gpt2`, with merges and the
/// name of a way to cut words), and byte-pair encoding in SentencePiece's manner (`llama`, with scores).
package struct GGUFVocabulary {
  /// Ids that the model's configuration names, for tokenizers that name none.
  package struct SpecialIDs {
    package var bos: Int?
    package var eos: Int?
    package var padding: Int?

    package init(bos: Int? = nil, eos: Int? = nil, padding: Int? = nil) {
      self.bos = bos
      self.eos = eos
      self.padding = padding
    }
  }

  /// How llama.cpp treats a token.
  enum TokenType: Int32 {
    case normal = 1
    case unknown = 2
    case control = 3
    case userDefined = 4
    case unused = 5
    case byte = 6
  }

  /// What stands in the file for one id.
  struct Token {
    var text: String
    var type: TokenType
    var score: Float = 0
  }

  package private(set) var fields: [(key: String, value: GGUFField)] = []
  /// Where llama.cpp makes other tokens of a text.
  package private(set) var warnings: [String] = []

  let path: String
  let root: JSON

  /// - Parameters:
  ///   - directory: Holds `tokenizer.json`.
  ///   - rows: Rows of the token table; missing tokens are filled up.
  ///   - template: The chat template's source.
  ///   - endOfTurn: The token that ends an answer, where it is known.
  /// - Throws: A `Problem` for a tokenizer that GGUF files have no place for.
  package init(
    directory: String, rows: Int, ids: SpecialIDs, template: String?, endOfTurn: String? = nil
  ) throws(Problem) {
    path = directory + "/tokenizer.json"
    guard fileExists(path) else {
      throw Problem(
        directory,
        "there is no tokenizer.json in it, which a GGUF file's vocabulary is made from; save the"
          + " tokenizer with transformers first")
    }
    root = try readJSON(path)
    let type = root["model"]?["type"]?.string ?? (root["model"]?["merges"] == nil ? "" : "BPE")
    guard type == "BPE" else {
      throw Problem(
        path,
        "a \"\(type)\" tokenizer has no place in the GGUF file of a language model, expected BPE;"
          + " export a Hugging Face directory instead")
    }
    let isPieces = isSentencePiece
    let tokens = try isPieces ? pieces(rows: rows) : words(rows: rows)
    add("model", .string(isPieces ? "llama" : "gpt2"))
    add("pre", .string(isPieces ? "default" : try wordRuleName()))
    add("tokens", .strings(tokens.map(\.text)))
    add("token_type", .int32s(tokens.map(\.type.rawValue)))
    if isPieces {
      add("scores", .float32s(tokens.map(\.score)))
      add("add_space_prefix", .bool(addsSpacePrefix))
    } else {
      add("merges", .strings(try merges().map { Self.joined($0) }))
    }
    addIDs(try SpecialTokens(directory), ids, tokens, endOfTurn)
    if let template { fields.append(("tokenizer.chat_template", .string(template))) }
  }

  mutating func add(_ key: String, _ value: GGUFField) {
    fields.append(("tokenizer.ggml.\(key)", value))
  }

  mutating func warn(_ sentence: String) { warnings.append("\(path): \(sentence)") }

  // MARK: - Tokens

  /// Byte-level tokens as they are spelled; of those added, the special ones as control tokens.
  private func words(rows: Int) throws(Problem) -> [Token] {
    try filled(rows: rows, vocabulary: try vocabulary()) { Token(text: $0, type: .normal) }
  }

  /// Text and id of every token of the model.
  func vocabulary() throws(Problem) -> [(text: String, id: Int)] {
    guard let members = root["model"]?["vocab"]?.object?.members else {
      throw Problem(path, "\"model.vocab\" is missing, expected an object from token to id")
    }
    var tokens: [(text: String, id: Int)] = []
    for (text, value) in members {
      guard let id = value.integer, (0..<1 << 24).contains(id) else {
        throw Problem(
          path, "the id of token \"\(text)\" is \(value.text()), expected a whole number")
      }
      tokens.append((text, id))
    }
    return tokens
  }

  /// One token for each row: the model's, then those added, then fillers.
  func filled(
    rows: Int, vocabulary: [(text: String, id: Int)], token: (String) -> Token
  ) throws(Problem) -> [Token] {
    var tokens = (0..<rows).map { Token(text: "[PAD\($0)]", type: .unused, score: -10000) }
    func require(_ id: Int, _ text: String) throws(Problem) {
      guard tokens.indices.contains(id) else {
        throw Problem(
          path,
          "token \"\(text)\" has id \(id), the model has \(rows) tokens; they do not belong together"
        )
      }
    }
    for (text, id) in vocabulary {
      try require(id, text)
      tokens[id] = token(text)
    }
    for added in root["added_tokens"]?.array ?? [] {
      guard let text = added["content"]?.string, let id = added["id"]?.integer else {
        throw Problem(path, "an added token has no \"content\" or no \"id\"; the file is damaged")
      }
      try require(id, text)
      guard tokens[id].type != .unknown else { continue }
      let isControl = added["special"]?.bool == true || Self.looksSpecial(text)
      tokens[id].type = isControl ? .control : .userDefined
      tokens[id].text = isControl ? text : addedText(text)
    }
    try requireDifferent(tokens)
    return tokens
  }

  /// Of SentencePiece's user-defined tokens the text as it is looked for.
  private func addedText(_ text: String) -> String {
    isSentencePiece
      ? text.split(separator: "\u{2581}", omittingEmptySubsequences: false).joined(separator: " ")
      : text
  }

  /// Texts that are control tokens whatever their flags say.
  static func looksSpecial(_ text: String) -> Bool {
    (text.hasPrefix("<|") && text.hasSuffix("|>"))
      || (text.hasPrefix("<\u{FF5C}") && text.hasSuffix("\u{FF5C}>"))
      || (text.hasPrefix("<unused") && text.hasSuffix(">")) || text == "<pad>" || text == "<mask>"
  }

  private func requireDifferent(_ tokens: [Token]) throws(Problem) {
    var known: [[UInt8]: Int] = [:]
    for (id, token) in tokens.enumerated() {
      guard let first = known.updateValue(id, forKey: Array(token.text.utf8)) else { continue }
      throw Problem(
        path,
        "tokens \(first) and \(id) are both \"\(token.text)\", which llama.cpp does not accept;"
          + " remove one of them")
    }
  }

  // MARK: - Merges

  func merges() throws(Problem) -> [(String, String)] {
    var pairs: [(String, String)] = []
    for (index, merge) in (root["model"]?["merges"]?.array ?? []).enumerated() {
      let parts = merge.string?.splitAtSpaces() ?? merge.array?.compactMap(\.string) ?? []
      guard parts.count == 2 else {
        throw Problem(path, "merge \(index) is not a pair of tokens; the file is damaged")
      }
      pairs.append((parts[0], parts[1]))
    }
    return pairs
  }

  /// Two tokens with a space between; a space within one is written as the byte alphabet does.
  private static func joined(_ pair: (String, String)) -> String {
    func spelled(_ text: String) -> String {
      text.utf8.contains(0x20) ? text.map { $0 == " " ? "\u{120}" : String($0) }.joined() : text
    }
    return "\(spelled(pair.0)) \(spelled(pair.1))"
  }

  // MARK: - Special ids

  private mutating func addIDs(
    _ special: SpecialTokens, _ ids: SpecialIDs, _ tokens: [Token], _ endOfTurn: String?
  ) {
    func id(of text: String?) -> Int? {
      guard let text else { return nil }
      return tokens.firstIndex { $0.text.utf8.elementsEqual(text.utf8) }
    }
    let bos = id(of: special.bos) ?? ids.bos
    let eos = id(of: special.eos) ?? ids.eos
    let found = [
      ("bos", bos), ("eos", eos), ("unknown", id(of: special.unknown)),
      ("padding", id(of: special.padding) ?? ids.padding),
    ]
    for case (let name, let id?) in found where tokens.indices.contains(id) {
      add("\(name)_token_id", .uint32(UInt32(id)))
    }
    if let end = id(of: endOfTurn), end != eos { add("eot_token_id", .uint32(UInt32(end))) }
    let around = surroundingTokens
    add("add_bos_token", .bool(bos != nil && around.first == bos))
    add("add_eos_token", .bool(eos != nil && around.last == eos))
  }

  /// Ids that the post-processor puts before and behind a text.
  private var surroundingTokens: (first: Int?, last: Int?) {
    let processor = root["post_processor"] ?? .null
    let parts = processor["type"]?.string == "Sequence" ? processor["processors"]?.array ?? [] : []
    for part in [processor] + parts where part["type"]?.string == "TemplateProcessing" {
      let single = part["single"]?.array ?? []
      func id(_ piece: JSON?) -> Int? {
        guard let name = piece?["SpecialToken"]?["id"]?.string else { return nil }
        return part["special_tokens"]?[name]?["ids"]?.array?.first?.integer
      }
      return (id(single.first), id(single.last))
    }
    return (nil, nil)
  }
}

/// The tokens that a tokenizer's configuration names.
private struct SpecialTokens {
  var bos: String?
  var eos: String?
  var unknown: String?
  var padding: String?

  init(_ directory: String) throws(Problem) {
    for name in ["tokenizer_config.json", "special_tokens_map.json"] {
      let path = "\(directory)/\(name)"
      guard fileExists(path) else { continue }
      let json = try readJSON(path)
      func token(_ key: String) -> String? { json[key]?.string ?? json[key]?["content"]?.string }
      bos = bos ?? token("bos_token")
      eos = eos ?? token("eos_token")
      unknown = unknown ?? token("unk_token")
      padding = padding ?? token("pad_token")
    }
  }
}
