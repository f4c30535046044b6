import Formats

/// Reads a tokenizer from the `tokenizer.ggml.*` keys of a GGUF file.
///
/// The file names its pre-tokenizer instead of spelling it out, and says little about normalization:
/// what is done is what llama.cpp does.
struct GGUFTokenizer {
  let file: GGUFFile

  init(_ file: GGUFFile) { self.file = file }

  /// What `tokenizer.ggml.model` says.
  func model() throws(Problem) -> String {
    if let model = file.metadata["tokenizer.ggml.model"]?.string { return model }
    throw Problem(
      file.path, "there is no tokenizer in it (key tokenizer.ggml.model); use a file that holds one"
    )
  }

  func definition() throws(Problem) -> Tokenizer.Definition {
    let model = try model()
    let tokens = try strings("tokenizer.ggml.tokens")
    var definition: Tokenizer.Definition
    switch model {
    case "gpt2": definition = try byteLevel(tokens)
    case "gemma4": definition = try gemma4(tokens)
    case "llama": definition = try sentencePiece(tokens).definition
    case "t5": definition = try unigram(tokens)
    case "bert": definition = try wordPiece(tokens)
    default:
      throw Problem(
        file.path,
        "its tokenizer \"\(model)\" (key tokenizer.ggml.model) is not known, expected gpt2, llama, "
          + "gemma4, t5 or bert; use the model's Hugging Face directory")
    }
    definition.addedTokens = try addedTokens(tokens)
    definition.bosToken = token("tokenizer.ggml.bos_token_id", of: tokens)
    definition.eosToken = token("tokenizer.ggml.eos_token_id", of: tokens)
    for (name, key) in [
      ("unk", "unknown"), ("sep", "seperator"), ("pad", "padding"), ("cls", "cls"),
      ("mask", "mask"),
    ] {
      definition.namedTokens["\(name)_token"] = token("tokenizer.ggml.\(key)_token_id", of: tokens)
    }
    definition.postProcessor = postProcessor(count: tokens.count)
    return definition
  }

  private func byteLevel(_ tokens: [String]) throws(Problem) -> Tokenizer.Definition {
    let vocabulary = try vocabulary(tokens, isByteLevel: true)
    let merges = try MergeTable(try pairs(), vocabulary, place: file.path)
    let words = try wordRule()
    return Tokenizer.Definition(
      vocabulary: vocabulary,
      model: .bytePairs(
        BytePairEncoder(
          vocabulary: vocabulary, merges: merges,
          wholeWords: words.ignoresMerges ? .tokens : .merged,
          spelling: .bytes(ByteSpelling(vocabulary, unknown: nil)))),
      preTokenizer: try words.preTokenizer(place: file.path),
      decoder: TokenDecoder(steps: [.byteLevel]))
  }

  func vocabulary(_ tokens: [String], isByteLevel: Bool) throws(Problem) -> Vocabulary {
    try Vocabulary(
      tokens.enumerated().map { ($0.element, $0.offset) }, isByteLevel: isByteLevel,
      place: file.path)
  }

  func strings(_ key: String) throws(Problem) -> [String] {
    if let strings = file.metadata[key]?.strings { return strings }
    throw Problem(file.path, "\(key) is missing or no list of texts; the file is damaged")
  }

  func pairs() throws(Problem) -> [(String, String)] {
    var pairs: [(String, String)] = []
    for (index, merge) in try strings("tokenizer.ggml.merges").enumerated() {
      // The space between the two; a token may begin with one.
      let bytes = merge.utf8
      guard let space = bytes.dropFirst().firstIndex(of: UInt8(ascii: " ")),
        case let second = bytes[space...].dropFirst(), !second.isEmpty
      else {
        throw Problem(
          file.path, "merge \(index) is \"\(merge)\", expected two tokens with a space between")
      }
      pairs.append((String(Substring(bytes[..<space])), String(Substring(second))))
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
    guard let types = try types(tokens.count) else { return [] }
    return zip(tokens, types).enumerated().compactMap { id, entry in
      let (content, type) = entry
      guard (2...4).contains(type), !content.isEmpty else { return nil }
      return (Int32(id), AddedToken(content: content, isSpecial: type != 4))
    }
  }

  /// `tokenizer.ggml.token_type`, where it is there.
  func types(_ count: Int) throws(Problem) -> [Int]? {
    guard let types = file.metadata["tokenizer.ggml.token_type"]?.integers else { return nil }
    guard types.count == count else {
      throw Problem(
        file.path,
        "tokenizer.ggml.token_type has \(types.count) entries, expected one for each of the "
          + "\(count) tokens; the file is damaged")
    }
    return types
  }

  func token(_ key: String, of tokens: [String]) -> String? {
    guard let id = file.metadata[key]?.integer, tokens.indices.contains(id) else { return nil }
    return tokens[id]
  }

  /// A token that begins texts, and one that ends them, where the file wants that.
  private func postProcessor(count: Int) -> PostProcessor {
    func id(_ key: String) -> [Int32] {
      guard let id = file.metadata["tokenizer.ggml.\(key)_token_id"]?.integer,
        (0..<count).contains(id)
      else { return [] }
      return [Int32(id)]
    }
    if (try? model()) == "bert" { return PostProcessor(before: id("cls"), behind: id("seperator")) }
    return PostProcessor(
      before: adds("bos") ? id("bos") : [], behind: adds("eos") ? id("eos") : [])
  }

  /// Whether a text gets the token "bos" or "eos": as the file says, or by the model's habit.
  func adds(_ name: String) -> Bool {
    if let value = file.metadata["tokenizer.ggml.add_\(name)_token"]?.bool { return value }
    switch try? model() {
    case "llama", "gemma4": return name == "bos"
    case "t5": return name == "eos"
    default: return false
    }
  }
}
