package import Formats
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

  /// The longest sequence that there are positions for; nil where any length has some.
  package var longestSequence: Int? { embedding.positions?.shape[0] }

  /// Throws where a text is longer than there are positions for.
  ///
  /// - Parameter place: Names what decides the length.
  package func requirePositions(for tokens: Int, place: String) throws(Problem) {
    guard let longestSequence, tokens > longestSequence else { return }
    throw Problem(
      place,
      "a text has \(tokens) tokens, but this model has learned positions for \(longestSequence); use"
        + " shorter texts")
  }

  /// Whether tokens are rotated alike in all sequences of up to `length` tokens. Rows that begin alike
  /// have the same keys only then.
  package func rotationsAgree(upTo length: Int) -> Bool {
    blocks.allSatisfy { $0.attention.rotary?.variant(length: length) ?? 0 == 0 }
  }
}

package struct EmbeddingSpecification: Sendable, Equatable {
  package let weight: Site  // [V, D]
  /// Multiplies the rows that are looked up. It is rounded to the type of the table first.
  package let scale: Float
  /// Learned positions [P, D], added to the embeddings; nil where positions are rotations.
  package var positions: Site? = nil
}

package struct HeadSpecification: Sendable, Equatable {
  /// [V, D]; nil where the head is the token table.
  package let weight: Site?
  /// [V]
  package var bias: Site? = nil
  /// Multiplies the logits, before they are capped.
  package var scale: Float = 1
  /// Logits z become c · tanh(z / c).
  package let softCap: Float?
}

/// One decoder layer: attention and feed-forward on branches of the residual stream.
package struct BlockSpecification: Sendable, Equatable {
  package let arrangement: Arrangement
  package let attention: AttentionSpecification
  package let attentionNorms: ResidualNorms
  package let feedForward: FeedForwardSpecification
  package let feedForwardNorms: ResidualNorms
  /// Multiplies what both branches give before it is added to the stream (Granite).
  package var residualScale: Float = 1

  package enum Arrangement: Sendable {
    /// Feed-forward sees what attention has added.
    case sequential
    /// Both see the layer's input, and both results are added to it (GPT-J, Wang & Komatsuzaki 2021).
    case parallel
  }
}

/// The norms around one branch f of the residual stream: x + output(f(input(x))).
package struct ResidualNorms: Sendable, Equatable {
  package let input: NormSpecification?
  package let output: NormSpecification?
}

package struct AttentionSpecification: Sendable, Equatable {
  package let inputs: Inputs
  package let output: LinearSpecification  // [D, H·E]
  /// Heads, scale, soft cap and window.
  package let shape: AttentionShape
  /// nil: this layer does not see positions.
  package let rotary: RotarySpecification?
  /// Norms of queries and keys before they are rotated.
  package let queryKeyNorms: QueryKeyNorms?

  /// Columns of all queries, H·E, and of all keys or values, G·E.
  package var queries: Int { shape.heads * shape.headDimension }
  package var keys: Int { shape.kvHeads * shape.headDimension }

  /// Where queries, keys and values come from.
  package enum Inputs: Sendable, Equatable {
    /// [H·E, D], [G·E, D], [G·E, D]
    case separate(
      query: LinearSpecification, key: LinearSpecification, value: LinearSpecification)
    /// One layer [(H + 2G)·E, D] whose rows are heads.
    case fused(LinearSpecification, FusedHeads)
  }

  /// Of each head [E], or of all heads together [H·E] and [G·E], as the widths of the norms say.
  package struct QueryKeyNorms: Sendable, Equatable {
    package let query: NormSpecification
    package let key: NormSpecification
  }
}

/// Where the heads of queries, keys and values are among those of a fused layer.
package struct FusedHeads: Sendable, Equatable {
  package let queries: [Int32]
  package let keys: [Int32]
  package let values: [Int32]

  /// All queries, then all keys, then all values (Phi-3, GPT-2, Falcon with one key/value head).
  package static func sequential(heads: Int, kvHeads: Int) -> FusedHeads {
    func places(_ first: Int, _ count: Int) -> [Int32] {
      (first..<first + count).map(Int32.init)
    }
    return FusedHeads(
      queries: places(0, heads), keys: places(heads, kvHeads),
      values: places(heads + kvHeads, kvHeads))
  }

  /// Each key/value head's queries, then its key, then its value (Falcon; GPT-NeoX, whose heads have
  /// each a key and a value of their own).
  package static func grouped(heads: Int, kvHeads: Int) -> FusedHeads {
    let (queries, group) = (heads / kvHeads, heads / kvHeads + 2)
    return FusedHeads(
      queries: (0..<heads).map { Int32($0 / queries * group + $0 % queries) },
      keys: (0..<kvHeads).map { Int32($0 * group + queries) },
      values: (0..<kvHeads).map { Int32($0 * group + queries + 1) })
  }
}

package enum FeedForwardSpecification: Sendable, Equatable {
  case gated(GatedSpecification)
  case plain(PlainSpecification)
  case experts(ExpertsSpecification)

  /// The mixture of experts, if it is one.
  package var experts: ExpertsSpecification? {
    if case .experts(let experts) = self { experts } else { nil }
  }
}

/// down(activation(gate x) · up x).
package struct GatedSpecification: Sendable, Equatable {
  package let inputs: Inputs
  package let down: LinearSpecification  // [D, F]
  package let activation: Activation

  /// Columns between the products, F.
  package var width: Int { down.weight.inputs }

  package enum Inputs: Sendable, Equatable {
    /// [F, D] each
    case separate(gate: LinearSpecification, up: LinearSpecification)
    /// [2F, D]: the gate's rows, then those of up.
    case fused(LinearSpecification)
  }
}

/// The sum over a token's experts of down(activation(gate x) · up x), each with its weight.
package struct ExpertsSpecification: Sendable, Equatable {
  package let router: Site  // [experts, D]
  package let experts: [Expert]
  /// Experts of a token.
  package let chosen: Int
  /// Whether the weights of a token's experts are divided by their sum.
  package let normalizes: Bool
  package let activation: Activation

  /// Columns between the products, F.
  package var width: Int { experts[0].down.weight.inputs }

  package struct Expert: Sendable, Equatable {
    package let gate: LinearSpecification  // [F, D]
    package let up: LinearSpecification  // [F, D]
    package let down: LinearSpecification  // [D, F]
  }
}

/// down(activation(up x)).
package struct PlainSpecification: Sendable, Equatable {
  package let up: LinearSpecification  // [F, D]
  package let down: LinearSpecification  // [D, F]
  package let activation: Activation

  /// Columns between the products, F.
  package var width: Int { down.weight.inputs }
}

package struct LinearSpecification: Sendable, Equatable {
  package let weight: Site  // [N, K]
  package let bias: Site?  // [N]
}

/// Normalization of rows, by their root mean square or by mean and variance.
package struct NormSpecification: Sendable, Equatable {
  package let kind: Kind
  package let weight: Site
  /// Present in layer normalization.
  package let bias: Site?
  package let epsilon: Float
  /// 1 where the stored weight is centred on zero (Gemma), else 0.
  package let weightOffset: Float

  package enum Kind: Sendable {
    /// Zhang & Sennrich 2019, arXiv:1910.07467.
    case rootMeanSquare
    /// Ba et al. 2016, arXiv:1607.06450.
    case layer
  }
}
