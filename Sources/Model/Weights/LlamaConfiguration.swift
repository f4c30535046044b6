package import Formats

/// The sizes and constants of a Llama-family decoder (Touvron et al. 2023, arXiv:2302.13971), with
/// the names of Hugging Face's `config.json`.
package struct LlamaConfiguration: Sendable {
  package let hiddenSize: Int
  package let intermediateSize: Int
  package let layerCount: Int
  package let headCount: Int
  /// Key/value heads; each serves `headCount / kvHeadCount` query heads.
  package let kvHeadCount: Int
  package let headDimension: Int
  package let vocabularySize: Int
  package let rmsNormEpsilon: Double
  package let ropeTheta: Double
  package let ropeScaling: RopeScaling
  /// Whether the output head is the embedding matrix.
  package let tieWordEmbeddings: Bool
  package let maxPositionEmbeddings: Int
  package let bosTokenID: Int?
  /// Every token that ends a text, those of `generation_config.json` included.
  package let eosTokenIDs: [Int]
  /// `config.json` as it is, or made from the keys of a GGUF file.
  package let json: JSON

  /// How positions beyond the original training length are brought back into its range.
  package enum RopeScaling: Sendable, Equatable {
    case none
    /// Every frequency divided by `factor` (position interpolation, arXiv:2306.15595).
    case linear(factor: Double)
    /// Long wavelengths divided by `factor`, short ones kept, between them blended (Llama 3.1).
    case llama3(factor: Double, lowFactor: Double, highFactor: Double, originalLength: Int)
  }
}

extension LlamaConfiguration {
  /// Every tensor of the model in Hugging Face names, embedding and head included, in the order of
  /// the forward pass.
  package var tensorShapes: [(name: String, shape: [Int])] {
    var shapes: [(name: String, shape: [Int])] = [
      ("model.embed_tokens.weight", [vocabularySize, hiddenSize])
    ]
    for index in 0..<layerCount {
      let layer = "model.layers.\(index)"
      let linears = linears(layer: index)
      shapes.append(("\(layer).input_layernorm.weight", [hiddenSize]))
      for linear in [linears.query, linears.key, linears.value, linears.output] {
        shapes.append(("\(linear.name).weight", [linear.outputs, linear.inputs]))
      }
      shapes.append(("\(layer).post_attention_layernorm.weight", [hiddenSize]))
      for linear in [linears.gate, linears.up, linears.down] {
        shapes.append(("\(linear.name).weight", [linear.outputs, linear.inputs]))
      }
    }
    shapes.append(("model.norm.weight", [hiddenSize]))
    if !tieWordEmbeddings { shapes.append(("lm_head.weight", [vocabularySize, hiddenSize])) }
    return shapes
  }
}
