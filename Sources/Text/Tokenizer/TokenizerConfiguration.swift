import Formats

/// `tokenizer_config.json`: names of tokens, and added tokens that stand nowhere else.
struct TokenizerConfiguration {
  private let path: String
  private let root: JSON?

  /// - Throws: A `Problem` where the file is there and no JSON.
  init(_ directory: String) throws(Problem) {
    path = directory + "/tokenizer_config.json"
    root = fileExists(path) ? try TokenizerFile(path).root : nil
  }

  var className: String? { root?["tokenizer_class"]?.string }
  var addsPrefixSpace: Bool { root?["add_prefix_space"]?.bool ?? false }

  /// Whether a text begins with the token "bos" or ends with "eos"; nil where the file does not say.
  func adds(_ name: String) -> Bool? { root?["add_\(name)_token"]?.bool }

  /// `bos_token` or `eos_token`: a text, or an object with the text as "content".
  func token(_ key: String) -> String? { root?[key]?.string ?? root?[key]?["content"]?.string }

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
