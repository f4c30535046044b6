import Formats

/// A `tekken.json` of Mistral: byte-pair encoding whose merges follow from the ranks of tokens, as in
/// tiktoken. Special tokens come first; token of rank r has the id r + their number.
struct TekkenFile {
  let path: String
  private let root: JSON

  init(_ path: String) throws(Problem) {
    self.path = path
    root = try TokenizerFile(path).root
  }

  private func problem(_ sentence: String) -> Problem { Problem(path, sentence) }

  func definition() throws(Problem) -> Tokenizer.Definition {
    guard let pattern = root["config"]?["pattern"]?.string,
      let size = root["config"]?["default_vocab_size"]?.integer,
      let specialCount = root["config"]?["default_num_special_tokens"]?.integer,
      specialCount >= 0, size > specialCount, size <= Vocabulary.idLimit
    else {
      throw problem(
        "\"config\" lacks \"pattern\", \"default_vocab_size\" or \"default_num_special_tokens\"")
    }
    let tokens = try tokens(limit: size - specialCount, offset: specialCount)
    let vocabulary = try Vocabulary(tokens, isByteLevel: true, place: path)
    var ranks = [Int?](repeating: nil, count: vocabulary.size)
    for token in tokens { ranks[token.id] = token.id - specialCount }
    let merges = PieceMerges(vocabulary, ranks: ranks, splitsCharacters: true)
    let encoder = BytePairEncoder(
      vocabulary: vocabulary, merges: merges.table, wholeWords: .tokens,
      spelling: .bytes(ByteSpelling(vocabulary, unknown: nil)))
    var definition = Tokenizer.Definition(
      vocabulary: vocabulary, model: .bytePairs(encoder),
      preTokenizer: PreTokenizer(steps: [try .isolating(pattern, place: path)]),
      decoder: TokenDecoder(steps: [.byteLevel]))
    definition.addedTokens = try specialTokens(count: specialCount)
    definition.bosToken = "<s>"
    definition.eosToken = "</s>"
    definition.namedTokens = ["unk_token": "<unk>", "pad_token": "<pad>"]
    if let id = definition.addedTokens.first(where: { $0.token.content == "<s>" })?.id {
      definition.postProcessor = PostProcessor(before: [id])
    }
    return definition
  }

  private func tokens(
    limit: Int, offset: Int
  ) throws(Problem) -> [(bytes: [UInt8], id: Int, isLiteral: Bool)] {
    guard let list = root["vocab"]?.array else { throw problem("\"vocab\" is missing") }
    var tokens: [(bytes: [UInt8], id: Int, isLiteral: Bool)] = []
    for (index, entry) in list.enumerated() {
      guard let rank = entry["rank"]?.integer, rank >= 0,
        let bytes = Base64.decode(entry["token_bytes"]?.string ?? ""), !bytes.isEmpty
      else { throw problem("token \(index) has no \"rank\" or no \"token_bytes\" in base64") }
      if rank < limit { tokens.append((bytes, rank + offset, false)) }
    }
    return tokens
  }

  /// The tokens that the file lists, or those that every file before has had.
  private func specialTokens(count: Int) throws(Problem) -> [(id: Int32, token: AddedToken)] {
    var names: [Int: String] = [:]
    if let list = root["special_tokens"]?.array {
      for entry in list {
        guard let rank = entry["rank"]?.integer, (0..<count).contains(rank),
          let name = entry["token_str"]?.string
        else { throw problem("a special token has no \"rank\" or no \"token_str\"") }
        names[rank] = name
      }
    } else {
      for (rank, name) in Self.standardNames.enumerated() where rank < count { names[rank] = name }
    }
    return (0..<count).map { rank in
      let content = names[rank] ?? "<SPECIAL_\(rank)>"
      return (Int32(rank), AddedToken(content: content, isSpecial: true))
    }
  }

  private static let standardNames = [
    "<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]",
    "[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
  ]
}
