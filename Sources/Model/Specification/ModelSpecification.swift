package import Tensors

/// What a decoder is made of: sizes, constants and the names of its weights. No files, no tensors.
///
/// A family (`Families/`) makes it from a configuration; everything else is written against it.
package struct ModelSpecification: Sendable, Equatable {
  package let hiddenSize: Int
  package let vocabularySize: Int
  package let embedding: EmbeddingSpecification
  /// One for each decoder layer; they may differ.
  package let blocks: [BlockSpecification]
  package let finalNorm: NormSpecification
  package let head: HeadSpecification
  /// Every stored tensor, in the order of the forward pass.
  package let sites: [Site]

  /// The linear layers inside the decoder: what `target_modules: "all-linear"` means, and what NF4 holds
  /// in 4 bits. `linears[i].id == i`.
  package var linears: [Site] { sites.filter { $0.role == .linear } }
}

package struct EmbeddingSpecification: Sendable, Equatable {
  package let weight: Site  // [V, D]
  /// Multiplies the rows that are looked up. It is rounded to the type of the table first.
  package let scale: Float
}

package struct HeadSpecification: Sendable, Equatable {
  /// [V, D]; nil where the head is the token table.
  package let weight: Site?
  /// Logits z become c · tanh(z / c).
  package let softCap: Float?
}

/// One decoder layer: attention, then feed-forward, each around a residual connection.
package struct BlockSpecification: Sendable, Equatable {
  package let attention: AttentionSpecification
  package let attentionNorms: ResidualNorms
  package let feedForward: FeedForwardSpecification
  package let feedForwardNorms: ResidualNorms
}

/// The norms around one branch f of the residual stream: x + output(f(input(x))).
package struct ResidualNorms: Sendable, Equatable {
  package let input: NormSpecification
  package let output: NormSpecification?
}

package struct AttentionSpecification: Sendable, Equatable {
  package let query: LinearSpecification  // [H·E, D]
  package let key: LinearSpecification  // [G·E, D]
  package let value: LinearSpecification  // [G·E, D]
  package let output: LinearSpecification  // [D, H·E]
  /// Heads, scale, soft cap and window.
  package let shape: AttentionShape
  package let rotary: RotarySpecification
  /// Norms of each head of the queries and keys [E], before they are rotated.
  package let headNorms: HeadNorms?

  package struct HeadNorms: Sendable, Equatable {
    package let query: NormSpecification
    package let key: NormSpecification
  }
}

/// down(activation(gate x) · up x).
package struct FeedForwardSpecification: Sendable, Equatable {
  package let gate: LinearSpecification  // [F, D]
  package let up: LinearSpecification  // [F, D]
  package let down: LinearSpecification  // [D, F]
  package let activation: Activation
}

package struct LinearSpecification: Sendable, Equatable {
  package let weight: Site  // [N, K]
  package let bias: Site?  // [N]
}

/// Root-mean-square normalization with the factor `weightOffset` + w.
package struct NormSpecification: Sendable, Equatable {
  package let weight: Site
  package let epsilon: Float
  /// 1 where the stored weight is centred on zero (Gemma), else 0.
  package let weightOffset: Float
}

/// Rotary positions of all `headDimension` elements of a head.
package struct RotarySpecification: Sendable, Hashable {
  package let headDimension: Int
  package let theta: Double
  package let scaling: Scaling

  package init(headDimension: Int, theta: Double, scaling: Scaling) {
    self.headDimension = headDimension
    self.theta = theta
    self.scaling = scaling
  }

  /// How positions beyond the original training length are brought back into its range.
  package enum Scaling: Sendable, Hashable {
    case none
    /// Every frequency divided by `factor` (position interpolation, arXiv:2306.15595).
    case linear(factor: Double)
    /// Long wavelengths divided by `factor`, short ones kept, between them blended (Llama 3.1).
    case llama3(factor: Double, lowFactor: Double, highFactor: Double, originalLength: Int)
  }
}
