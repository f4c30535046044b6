package import Formats

extension Tokenizer {
  /// Loads the tokenizer of a model.
  ///
  /// - Parameters:
  ///   - path: A Hugging Face directory or a GGUF file, which may hold nothing but a vocabulary. Of a
  ///     directory the first is read that is there: `tokenizer.json`, `tokenizer.model`,
  ///     `vocab.json` with `merges.txt`, `tekken.json`.
  ///   - gguf: The file of that path where it is open already.
  /// - Throws: A `Problem` that names what is missing, damaged or not supported.
  package static func load(_ path: String, gguf: GGUFFile? = nil) throws(Problem) -> Tokenizer {
    if let gguf { return Tokenizer(try GGUFTokenizer(gguf).definition()) }
    guard directoryExists(path) else { return try load(path, gguf: try GGUFFile(path)) }
    func has(_ name: String) -> Bool { fileExists("\(path)/\(name)") }
    if has("tokenizer.json") {
      return Tokenizer(try TokenizerFile(path + "/tokenizer.json").definition())
    }
    for name in ["tokenizer.model", "spiece.model"] where has(name) {
      let definition = try SentencePieceFile("\(path)/\(name)").definition()
      return Tokenizer(try configured(definition, path, habit: "bos"))
    }
    if has("vocab.json"), has("merges.txt") {
      let definition = try VocabularyFiles(directory: path).definition()
      return Tokenizer(try configured(definition, path, habit: nil))
    }
    if has("tekken.json") {
      return Tokenizer(try TekkenFile(path + "/tekken.json").definition())
    }
    throw Problem(
      path,
      "there is no tokenizer in it, expected tokenizer.json, tokenizer.model, vocab.json with "
        + "merges.txt, or tekken.json; name a Hugging Face model directory or a GGUF file")
  }

  /// What `tokenizer_config.json` adds to a tokenizer whose own file says nothing of it.
  ///
  /// - Parameter habit: The token that such models put at a text unless the file says otherwise.
  private static func configured(
    _ definition: Definition, _ directory: String, habit: String?
  ) throws(Problem) -> Definition {
    var definition = definition
    let configuration = try TokenizerConfiguration(directory)
    for added in try configuration.addedTokens() {
      definition.addedTokens.removeAll { $0.id == added.id }
      definition.addedTokens.append(added)
    }
    func id(_ token: String) -> Int32? {
      definition.addedTokens.first { $0.token.content.utf8.elementsEqual(token.utf8) }?.id
        ?? definition.vocabulary.id(of: token)
    }
    func token(_ name: String, _ standard: String) -> String? {
      let token = configuration.token("\(name)_token") ?? standard
      return id(token) == nil ? nil : token
    }
    definition.bosToken = token("bos", "<s>")
    definition.eosToken = token("eos", "</s>")
    definition.namedTokens = configuration.namedTokens
    definition.namedTokens["unk_token"] = token("unk", "<unk>")
    if configuration.adds("bos") ?? (habit == "bos"), let bos = definition.bosToken.flatMap(id) {
      definition.postProcessor.before = [bos]
    }
    if configuration.adds("eos") ?? false, let eos = definition.eosToken.flatMap(id) {
      definition.postProcessor.behind = [eos]
    }
    return definition
  }
}
