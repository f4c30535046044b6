import Formats

/// Reads the "model" of `tokenizer.json`.
struct TokenModelReader {
  let path: String
  let json: JSON

  private func problem(_ sentence: String) -> Problem { Problem(path, sentence) }

  /// - Parameter worksOnBytes: Whether words come as bytes that the vocabulary spells in the byte
  ///   alphabet. Where the model needs characters, the vocabulary is not byte-level.
  /// - Throws: A `Problem` for a type that is not known or a file that is damaged.
  func read(worksOnBytes: Bool) throws(Problem) -> (Vocabulary, TokenModel) {
    switch type {
    case "BPE":
      if let dropout = json["dropout"]?.number, dropout != 0 {
        throw problem(
          "\"dropout\" is \(dropout), expected null: the same text would have other tokens each "
            + "time; set it to null")
      }
      let reader = BytePairReader(path: path, json: json)
      if worksOnBytes, let (vocabulary, encoder) = try reader.readBytes() {
        return (vocabulary, .bytePairs(encoder))
      }
      let (vocabulary, encoder) = try reader.readCharacters()
      return (vocabulary, .bytePairs(encoder))
    case "Unigram": return try unigram()
    case "WordPiece": return try wordPiece()
    case "WordLevel":
      let vocabulary = try vocabulary(isByteLevel: false)
      let unknown = try unknown(in: vocabulary)
      return (vocabulary, .wordLevel(WordLevelEncoder(vocabulary: vocabulary, unknown: unknown)))
    case let type:
      throw problem(
        "the tokenizer's type \"\(type)\" is not known, expected BPE, Unigram, WordPiece or "
          + "WordLevel; use another model")
    }
  }

  /// Old files do not name the type: their keys tell.
  private var type: String {
    if let type = json["type"]?.string { return type }
    if json["merges"] != nil { return "BPE" }
    if json["vocab"]?.array != nil { return "Unigram" }
    if json["continuing_subword_prefix"] != nil { return "WordPiece" }
    return json["vocab"] != nil ? "WordLevel" : ""
  }

  /// How many tokens the vocabulary has, from which other tokens are numbered.
  func count(_ vocabulary: Vocabulary) -> Int { json["vocab"]?.array?.count ?? vocabulary.count }

  func vocabulary(isByteLevel: Bool) throws(Problem) -> Vocabulary {
    guard let members = json["vocab"]?.object?.members else {
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
    return try Vocabulary(tokens, isByteLevel: isByteLevel, place: path)
  }

  private func unknown(in vocabulary: Vocabulary) throws(Problem) -> Int32 {
    let token = json["unk_token"]?.string ?? "[UNK]"
    if let id = vocabulary.id(of: token) { return id }
    throw problem("the unknown token \"\(token)\" is not in the vocabulary")
  }

  private func wordPiece() throws(Problem) -> (Vocabulary, TokenModel) {
    let vocabulary = try vocabulary(isByteLevel: false)
    let mark = json["continuing_subword_prefix"]?.string ?? "##"
    let encoder = WordPieceEncoder(
      vocabulary: vocabulary, unknown: try unknown(in: vocabulary), mark: Array(mark.utf8),
      longestWord: json["max_input_chars_per_word"]?.integer ?? 100)
    return (vocabulary, .wordPiece(encoder))
  }

  private func unigram() throws(Problem) -> (Vocabulary, TokenModel) {
    guard let list = json["vocab"]?.array, !list.isEmpty else {
      throw problem("\"model.vocab\" is missing, expected a list of tokens with scores")
    }
    var tokens: [(spelling: String, id: Int)] = []
    var scores: [Double] = []
    for (index, entry) in list.enumerated() {
      guard let pair = entry.array, pair.count == 2, let token = pair[0].string,
        let score = pair[1].number, !score.isNaN
      else { throw problem("token \(index) is no pair of a text and a score") }
      tokens.append((token, index))
      scores.append(score)
    }
    let vocabulary = try Vocabulary(tokens, isByteLevel: false, place: path)
    guard let unknown = json["unk_id"]?.integer, tokens.indices.contains(unknown) else {
      throw problem(
        "\"unk_id\" names no token, expected 0 to \(tokens.count - 1): text without tokens would "
          + "be lost; name the unknown token")
    }
    let encoder = UnigramEncoder(
      vocabulary: vocabulary, scores: scores, unknown: Int32(unknown),
      usesBytes: json["byte_fallback"]?.bool ?? false)
    return (vocabulary, .unigram(encoder))
  }
}
