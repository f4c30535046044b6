package import Formats
package import Model
package import Recipes
package import Tensors
package import Text

/// A base model's opened files, with what turns text into its tokens. Weights are read by `load`.
package struct OpenedModel {
  package let place: BasePlace
  package let files: PretrainedFiles
  package let tokenizer: Tokenizer
  /// How a conversation becomes text.
  package let template: ChatTemplate

  /// - Parameters:
  ///   - path: A Hugging Face directory or a GGUF file.
  ///   - template: The model's own, or what `data.template` names.
  ///   - date: What a template that shows the date shows, in seconds since 1970; nil: today.
  package init(path: String, template: TemplateChoice = "auto", date: Int? = nil) throws {
    try self.init(BasePlace(path: path), template: template, date: date)
  }

  init(_ place: BasePlace, template: TemplateChoice, date: Int? = nil) throws {
    try self.init(try PretrainedFiles.open(place.path), place, template: template, date: date)
  }

  /// The same with files that are open already.
  init(
    _ files: PretrainedFiles, _ place: BasePlace, template: TemplateChoice, date: Int?
  ) throws {
    self.place = place
    self.files = files
    tokenizer = try Tokenizer.load(files.tokenizerPath, gguf: files.gguf)
    var chosen = try ChatTemplate.chosen(
      template, modelPath: files.tokenizerPath, gguf: files.gguf)
    if let date { chosen.date = date }
    self.template = chosen
    guard tokenizer.vocabularySize <= files.specification.vocabularySize else {
      throw Problem(
        place.path,
        "the tokenizer has \(tokenizer.vocabularySize) tokens, the model's vocabulary_size is "
          + "\(files.specification.vocabularySize); they do not belong together")
    }
  }

  package func renderer(
    trainOn: TrainOn = .assistant, trainsTurnEnds: Bool = true
  ) -> Renderer {
    Renderer(
      tokenizer: tokenizer, template: template, trainOn: trainOn, trainsTurnEnds: trainsTurnEnds)
  }

  /// What makes tokens of a recipe's rows.
  package func renderer(_ data: DataSection) -> Renderer {
    renderer(trainOn: data.trainOn, trainsTurnEnds: data.trainEndOfTurn)
  }

  /// A SHA-256 of the files that decide which tokens a text becomes. Those of a GGUF file are part of its
  /// fingerprint already.
  package func tokenizerHash() throws(Problem) -> String {
    var sum = SHA256Stream()
    var names = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]
    if !fileExists("\(files.tokenizerPath)/tokenizer.json") {
      names += ["tokenizer.model", "spiece.model", "vocab.json", "merges.txt", "tekken.json"]
    }
    for name in names {
      let file = "\(files.tokenizerPath)/\(name)"
      if fileExists(file) { sum.update(try readFile(file)) }
    }
    return sum.digest.hex
  }

  package func load(_ storage: WeightStorage) throws -> CausalLM {
    try CausalLM.load(files, storage: storage)
  }
}
