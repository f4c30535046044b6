import Formats

/// `tokenizer_config.json`: names of tokens, and added tokens that stand nowhere else.
struct TokenizerConfiguration {
  private let path: String
  private let root: JSON?
  /// Special tokens by the names that templates know them by: "bos_token", "pad_token", "image_token"…
  let namedTokens: [String: String]

  /// - Throws: A `Problem` where the file, or `special_tokens_map.json` beside it, is there and no JSON.
  init(_ directory: String) throws(Problem) {
    path = directory + "/tokenizer_config.json"
    root = fileExists(path) ? try TokenizerFile(path).root : nil
    var tokens = Self.namedTokens(in: root)
    // As transformers: the older file counts where the newer list is missing, and then it wins.
    let map = directory + "/special_tokens_map.json"
    if root?["added_tokens_decoder"]?.object == nil, fileExists(map) {
      let older = try TokenizerFile(map).root
      tokens.merge(Self.namedTokens(in: older)) { $1 }
    }
    namedTokens = tokens
  }

  /// Members whose names end with "_token", and those of an object "extra_special_tokens": texts, or
  /// objects with the text as "content".
  private static func namedTokens(in root: JSON?) -> [String: String] {
    var tokens: [String: String] = [:]
    for (key, value) in root?.object?.members ?? [] where key.hasSuffix("_token") {
      if let text = text(value) { tokens[key] = text }
    }
    for name in ["extra_special_tokens", "model_specific_special_tokens"] {
      for (key, value) in root?[name]?.object?.members ?? [] {
        if let text = text(value) { tokens[key] = text }
      }
    }
    return tokens
  }

  private static func text(_ token: JSON) -> String? { token.string ?? token["content"]?.string }

  var className: String? { root?["tokenizer_class"]?.string }
  var addsPrefixSpace: Bool { root?["add_prefix_space"]?.bool ?? false }

  /// Whether a text begins with the token "bos" or ends with "eos"; nil where the file does not say.
  func adds(_ name: String) -> Bool? { root?["add_\(name)_token"]?.bool }

  /// The token of this name, `bos_token` or another.
  func token(_ key: String) -> String? { namedTokens[key] }

  /// The tokens of "added_tokens_decoder" by ascending id.
  func addedTokens() throws(Problem) -> [(id: Int32, token: AddedToken)] {
    var tokens: [(id: Int32, token: AddedToken)] = []
    for (key, entry) in root?["added_tokens_decoder"]?.object?.members ?? [] {
      guard let id = Int32(key), (0..<Int32(Vocabulary.idLimit)).contains(id) else {
        throw Problem(
          path,
          "\"added_tokens_decoder\" has the id \"\(key)\", expected 0 to \(Vocabulary.idLimit - 1)")
      }
      guard let token = try AddedToken(entry, place: path) else { continue }
      tokens.append((id, token))
    }
    return tokens.sorted { $0.id < $1.id }
  }
}

extension AddedToken {
  /// An entry of a list of added tokens; nil for one without text.
  init?(_ entry: JSON, place: String) throws(Problem) {
    guard let content = entry["content"]?.string else {
      throw Problem(place, "an added token has no \"content\", expected a text")
    }
    if content.isEmpty { return nil }
    func flag(_ key: String) -> Bool { entry[key]?.bool ?? false }
    self.init(
      content: content, isSingleWord: flag("single_word"), stripsLeft: flag("lstrip"),
      stripsRight: flag("rstrip"), isNormalized: entry["normalized"]?.bool ?? !flag("special"),
      isSpecial: flag("special"))
  }
}
