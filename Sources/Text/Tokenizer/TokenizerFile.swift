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
    guard let model = root["model"], model.object != nil else {
      throw problem(
        "\"model\" is missing, expected an object; use the file that came with the model")
    }
    let steps = try PreTokenizerReader(path: path).read(root["pre_tokenizer"])
    let reader = TokenModelReader(path: path, json: model)
    let (vocabulary, tokenModel) = try reader.read(worksOnBytes: Self.canWorkOnBytes(steps))
    var definition = Tokenizer.Definition(
      vocabulary: vocabulary, model: tokenModel,
      normalizer: try NormalizerReader(path: path).read(root["normalizer"]),
      preTokenizer: Self.preTokenizer(steps, worksOnBytes: vocabulary.isByteLevel),
      decoder: try DecoderReader(path: path).read(root["decoder"]),
      postProcessor: try PostProcessor(root["post_processor"], place: path))
    definition.addedTokens = try addedTokens(vocabulary, count: reader.count(vocabulary))
    let configuration = try configuration()
    definition.bosToken = configuration.token("bos_token")
    definition.eosToken = configuration.token("eos_token")
    definition.namedTokens = configuration.namedTokens
    return definition
  }

  private func problem(_ sentence: String) -> Problem { Problem(path, sentence) }

  /// Whether the steps spell bytes once and then do nothing but cut: then the model can work on the
  /// bytes themselves instead of their spelling.
  private static func canWorkOnBytes(_ steps: [PreTokenizer.Step]) -> Bool {
    guard let place = steps.firstIndex(where: \.isSpelling) else { return false }
    return steps[(place + 1)...].allSatisfy(\.isSplit)
  }

  private static func preTokenizer(
    _ steps: [PreTokenizer.Step], worksOnBytes: Bool
  ) -> PreTokenizer {
    guard worksOnBytes, let place = steps.firstIndex(where: \.isSpelling) else {
      return PreTokenizer(steps: steps)
    }
    return PreTokenizer(
      steps: Array(steps[..<place]), spelledSteps: Array(steps[(place + 1)...]))
  }

  // MARK: - Added tokens

  /// Added tokens in file order. Their ids follow Hugging Face's loader, which does not read them:
  /// a token of the vocabulary keeps its id there, others are numbered from the vocabulary's end.
  private func addedTokens(
    _ vocabulary: Vocabulary, count: Int
  ) throws(Problem) -> [(id: Int32, token: AddedToken)] {
    var tokens: [Int32: AddedToken] = [:]
    var ids: [[UInt8]: Int32] = [:]
    var nextID = Int32(count)
    func add(_ token: AddedToken) {
      let bytes = Array(token.content.utf8)
      var id = nextID
      if let known = ids[bytes] ?? vocabulary.id(of: token.content) {
        id = known
      } else {
        nextID += 1
      }
      ids[bytes] = id
      tokens[id] = token
    }
    for entry in root["added_tokens"]?.array ?? [] {
      if let token = try AddedToken(entry, place: path) { add(token) }
    }
    // Tokens that only the configuration lists come behind.
    for (_, token) in try configuration().addedTokens()
    where ids[Array(token.content.utf8)] == nil { add(token) }
    return tokens.map { ($0.key, $0.value) }
  }

  private func configuration() throws(Problem) -> TokenizerConfiguration {
    let directory = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) } ?? "."
    return try TokenizerConfiguration(directory)
  }
}
