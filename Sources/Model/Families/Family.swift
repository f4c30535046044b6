package import Formats

/// A family of models: how its configuration becomes a specification, and what its tensors are called.
///
/// One file in this folder each. A new family is that file and a line in `Families.all`.
package protocol Family: Sendable {
  /// `model_type` in config.json, the one that new files have first.
  static var modelTypes: [String] { get }
  /// The classes among `architectures` in config.json that are language models, the plain one first.
  static var architectures: [String] { get }
  /// What config.json says. Problems go into the reader, which reports them together.
  static func specification(_ config: inout ConfigurationReader) -> ModelSpecification
  /// The part of config.json that describes the language model.
  static func textConfiguration(_ json: JSON) -> JSON
  /// The names that a tensor has in checkpoints, Hugging Face's class name first.
  static func storedNames(of name: String) -> [String]
  /// Whether checkpoints hold a tensor that the language model does not need.
  static func isIgnored(_ name: String) -> Bool
  /// How GGUF files of the family are read and written; nil where they are not.
  static var gguf: GGUFNaming? { get }
  /// Whether a GGUF file of its architecture is of this family; several may have one architecture.
  static func reads(gguf keys: GGUFKeys) -> Bool
  /// What the keys of a GGUF file say, as keys of config.json, beside or instead of those that it shares
  /// with Llama.
  static func configuration(gguf keys: inout GGUFKeys) -> [(String, JSON?)]
  /// Whether its config.json calls the sizes as Llama's does.
  static var sharesLlamaKeys: Bool { get }
}

extension Family {
  package static func textConfiguration(_ json: JSON) -> JSON { json }
  package static func storedNames(of name: String) -> [String] { [name] }
  package static func isIgnored(_ name: String) -> Bool { false }
  package static var gguf: GGUFNaming? { nil }
  package static func reads(gguf keys: GGUFKeys) -> Bool { true }
  package static func configuration(gguf keys: inout GGUFKeys) -> [(String, JSON?)] { [] }
  package static var sharesLlamaKeys: Bool { true }

  /// The names that new files have.
  package static var modelType: String { modelTypes[0] }
  package static var architecture: String { architectures[0] }
}

/// The families that are known.
package enum Families {
  package static let all: [any Family.Type] = [
    Mixtral.self, Llama.self, Mistral.self, Qwen2.self, Qwen3.self, Gemma.self, Gemma2.self,
    Gemma3.self, Phi3.self, Phi.self, GPT2.self, GPTNeoX.self, Falcon.self, OLMo2.self,
    SmolLM3.self, Granite.self, StarCoder2.self, Qwen3MoE.self,
  ]

  /// The family that a config.json names by its `model_type`, or without one by its architecture.
  static func family(modelType: String?, architecture: String?) -> (any Family.Type)? {
    all.first { family in
      let isArchitecture = architecture.map(family.architectures.contains)
      guard let modelType else { return isArchitecture == true }
      return family.modelTypes.contains(modelType) && isArchitecture != false
    }
  }

  /// The family of a GGUF file, the first that reads it.
  static func family(gguf keys: GGUFKeys) -> (any Family.Type)? {
    all.first { $0.gguf?.architecture == keys.architecture && $0.reads(gguf: keys) }
  }
}
