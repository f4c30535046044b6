import Formats

/// A family of models: how its configuration becomes a specification, and what its tensors are called.
///
/// One file in this folder each. A new family is that file and a line in `Families.all`.
package protocol Family: Sendable {
  /// `model_type` in config.json.
  static var modelType: String { get }
  /// The class among `architectures` in config.json that is a language model.
  static var architecture: String { get }
  /// What config.json says. Problems go into the reader, which reports them together.
  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification
  /// How GGUF files of the family are read; nil where they are not.
  static var gguf: GGUFNaming? { get }
}

extension Family {
  package static var gguf: GGUFNaming? { nil }
}

/// The families that are known.
package enum Families {
  package static let all: [any Family.Type] = [
    Llama.self, Mistral.self, Qwen2.self, Qwen3.self, Gemma2.self,
  ]

  /// The family that a config.json names by its `model_type`, or without one by its architecture.
  static func family(modelType: String?, architecture: String?) -> (any Family.Type)? {
    all.first { family in
      guard let modelType else { return architecture == family.architecture }
      return modelType == family.modelType
        && (architecture == nil || architecture == family.architecture)
    }
  }

  /// The family whose GGUF files name this architecture.
  static func family(gguf architecture: String?) -> (any Family.Type)? {
    all.first { $0.gguf != nil && $0.gguf?.architecture == architecture }
  }
}
