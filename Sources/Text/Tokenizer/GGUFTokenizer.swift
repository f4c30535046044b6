import Formats

/// Reads a tokenizer from the `tokenizer.ggml.*` keys of a GGUF file.
///
/// The file names its pre-tokenizer instead of spelling it out, and says nothing about normalization:
/// none is done, as in llama.cpp.
struct GGUFTokenizer {
  let file: GGUFFile

  init(_ file: GGUFFile) { self.file = file }

  func definition() throws(Problem) -> Tokenizer.Definition {
    guard let model = file.metadata["tokenizer.ggml.model"]?.string else {
      throw Problem(
        file.path,
        "there is no tokenizer in it (key tokenizer.ggml.model); use a file that holds one")
    }
    guard model == "gpt2" else { throw Tokenizer.unsupported(model, file.path) }
    let tokens = try strings("tokenizer.ggml.tokens")
    let vocabulary = try Vocabulary(
      tokens.enumerated().map { ($0.element, $0.offset) }, isByteLevel: true, place: file.path)
    let merges = try MergeTable(try pairs(), vocabulary, place: file.path)
    let words = try wordRule()
    var definition = Tokenizer.Definition(
      vocabulary: vocabulary,
      model: .bytePairs(BytePairEncoder(
        vocabulary: vocabulary, merges: merges, ignoresMerges: words.ignoresMerges,
        spelling: .bytes(ByteSpelling(vocabulary, unknown: nil)))),
      preTokenizer: try words.preTokenizer(place: file.path),
      decoder: TokenDecoder(steps: [.byteLevel]))
    definition.addedTokens = try addedTokens(tokens)
    definition.bosToken = token("tokenizer.ggml.bos_token_id", of: tokens)
    definition.eosToken = token("tokenizer.ggml.eos_token_id", of: tokens)
    return definition
  }

  func strings(_ key: String) throws(Problem) -> [String] {
    if let strings = file.metadata[key]?.strings { return strings }
    throw Problem(file.path, "\(key) is missing or no list of texts; the file is damaged")
  }

  private func pairs() throws(Problem) -> [(String, String)] {
    var pairs: [(String, String)] = []
    for (index, merge) in try strings("tokenizer.ggml.merges").enumerated() {
      let parts = merge.splitAtSpaces()
      guard parts.count == 2 else {
        throw Problem(
          file.path, "merge \(index) is \"\(merge)\", expected two tokens with a space between")
      }
      pairs.append((parts[0], parts[1]))
    }
    return pairs
  }

  func wordRule() throws(Problem) -> GGUFWordRule {
    guard let name = file.metadata["tokenizer.ggml.pre"]?.string else {
      throw Problem(
        file.path,
        "it does not say how its tokenizer cuts words (key tokenizer.ggml.pre); convert the model "
          + "again with a current llama.cpp")
    }
    guard let rule = GGUFWordRule(name) else {
      throw Problem(
        file.path,
        "its pre-tokenizer \"\(name)\" (key tokenizer.ggml.pre) is not supported yet; use the "
          + "model's Hugging Face directory")
    }
    return rule
  }

  /// Tokens of the types unknown (2), control (3) and user-defined (4) are found in the text as
  /// they are. All but the user-defined ones are special.
  func addedTokens(
    _ tokens: [String]
  ) throws(Problem) -> [(id: Int32, token: AddedToken)] {
    guard let types = file.metadata["tokenizer.ggml.token_type"]?.integers else { return [] }
    guard types.count == tokens.count else {
      throw Problem(
        file.path,
        "tokenizer.ggml.token_type has \(types.count) entries, expected one for each of the "
          + "\(tokens.count) tokens; the file is damaged")
    }
    return zip(tokens, types).enumerated().compactMap { id, entry in
      let (content, type) = entry
      guard (2...4).contains(type), !content.isEmpty else { return nil }
      return (Int32(id), AddedToken(content: content, isSpecial: type != 4))
    }
  }

  func token(_ key: String, of tokens: [String]) -> String? {
    guard let id = file.metadata[key]?.integer, tokens.indices.contains(id) else { return nil }
    return tokens[id]
  }
}
