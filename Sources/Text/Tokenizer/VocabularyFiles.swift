import Formats

/// `vocab.json` and `merges.txt`: byte-level byte-pair encoding as GPT-2 was published, without a
/// word on how text is cut. The class that `tokenizer_config.json` names tells.
struct VocabularyFiles {
  let directory: String

  func definition() throws(Problem) -> Tokenizer.Definition {
    let path = directory + "/vocab.json"
    let configuration = try TokenizerConfiguration(directory)
    let words = try wordPattern(configuration.className)
    let json = JSON.object(
      JSONObject([
        ("vocab", try TokenizerFile(path).root), ("merges", .array(try merges().map(JSON.string))),
      ]))
    guard let (vocabulary, encoder) = try BytePairReader(path: path, json: json).readBytes() else {
      throw Problem(path, "its vocabulary is not byte-level; add the model's tokenizer.json")
    }
    var steps: [PreTokenizer.Step] = []
    if configuration.addsPrefixSpace { steps.append(.prefixSpace) }
    steps.append(try .isolating(words.pattern, place: path))
    var definition = Tokenizer.Definition(
      vocabulary: vocabulary, model: .bytePairs(encoder), preTokenizer: PreTokenizer(steps: steps),
      decoder: TokenDecoder(steps: [.byteLevel]))
    if words.composes { definition.normalizer = Normalizer(steps: [.form(.composed)]) }
    return definition
  }

  private func merges() throws(Problem) -> [String] {
    let text = String(decoding: try readFile(directory + "/merges.txt"), as: UTF8.self)
    return text.utf8.split(separator: UInt8(ascii: "\n")).map { String(Substring($0)) }
      .map { $0.utf8.last == UInt8(ascii: "\r") ? String($0.dropLast()) : $0 }
      .filter { !$0.hasPrefix("#version") && !$0.isEmpty }
  }

  private func wordPattern(
    _ className: String?
  ) throws(Problem) -> (pattern: String, composes: Bool) {
    switch className {
    case nil, "GPT2Tokenizer", "GPT2TokenizerFast", "CodeGenTokenizer", "CodeGenTokenizerFast",
      "RobertaTokenizer", "RobertaTokenizerFast", "BartTokenizer", "BartTokenizerFast",
      "PreTrainedTokenizerFast":
      return (.gpt2, false)
    case "Qwen2Tokenizer", "Qwen2TokenizerFast": return (.qwen2, true)
    case let name?:
      throw Problem(
        directory,
        "vocab.json does not say how the tokenizer \"\(name)\" cuts words; add the model's "
          + "tokenizer.json")
    }
  }
}
