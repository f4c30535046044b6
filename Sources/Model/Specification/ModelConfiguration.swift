package import Formats

/// What a model's files say about it: `config.json`, or the metadata of a GGUF file in its place.
package struct ModelConfiguration: Sendable {
  package let family: any Family.Type
  package let specification: ModelSpecification
  /// The longest text that the model was made for, in tokens.
  package let maxPositionEmbeddings: Int
  package let bosTokenID: Int?
  /// Every token that ends a text, those of `generation_config.json` included.
  package let eosTokenIDs: [Int]
  /// `config.json` as it is, or what it says of the language model; or made from the keys of a GGUF file.
  package let json: JSON

  /// From a parsed `config.json`.
  ///
  /// - Parameters:
  ///   - json: The contents of the file.
  ///   - generation: The contents of `generation_config.json`, for its end-of-text tokens.
  ///   - path: Names the file in problems.
  /// - Throws: One `Problem` with everything that is missing, out of bounds or of an unknown family.
  package init(_ json: JSON, generation: JSON? = nil, path: String) throws(Problem) {
    var outer = ConfigurationReader(json)
    // Without a family the rest is checked as a Llama's, so that all problems are named at once.
    let family = outer.family() ?? Llama.self
    let json = family.textConfiguration(json)
    var reader = ConfigurationReader(json)
    reader.problems = outer.problems
    specification = family.specification(&reader)
    self.family = family
    maxPositionEmbeddings = reader.positions
    bosTokenID = reader.tokens("bos_token_id", of: json).first
    var endings = reader.tokens("eos_token_id", of: json)
    for id in reader.tokens("eos_token_id", of: generation ?? .null) where !endings.contains(id) {
      endings.append(id)
    }
    eosTokenIDs = endings
    self.json = json
    reader.refuseOtherQuantization()
    guard reader.problems.isEmpty else {
      throw reader.problems.count == 1
        ? Problem(path, reader.problems[0])
        : Problem(heading: path, problems: reader.problems)
    }
  }

  /// Dropouts of the model's own that its configuration asks for in training: "attention_dropout 0.1". They
  /// are not applied.
  package var ownDropouts: [String] {
    let keys = [
      "attention_dropout", "attn_pdrop", "resid_pdrop", "embd_pdrop", "hidden_dropout",
      "residual_dropout", "embedding_dropout",
    ]
    return keys.compactMap { key in
      json[key]?.number.flatMap { $0 > 0 ? "\(key) \($0)" : nil }
    }
  }

  /// The same with another specification, and the file that it is of.
  init(_ other: ModelConfiguration, specification: ModelSpecification, json: JSON) {
    family = other.family
    self.specification = specification
    maxPositionEmbeddings = other.maxPositionEmbeddings
    bosTokenID = other.bosTokenID
    eosTokenIDs = other.eosTokenIDs
    self.json = json
  }
}
