package import Tensors

/// What every layer needs to know about the pass it takes part in.
package struct Pass {
  package let workspace: Workspace
  /// Type of activations: float32, or bfloat16. The residual stream is float32 in both.
  package let activations: DataType
  /// The sequences of the flat batch.
  package let segments: Segments
  /// Position of each token within its sequence, int32 [T].
  package let positions: Tensor
  /// For a rotation that depends on the length of sequences: the row of each token in its tables,
  /// int32 [T]; nil: the positions.
  package var rotationRows: Tensor? = nil
  /// The tokens whose output is wanted from the layer at hand, the last; nil: all.
  package var selection: SelectedTokens? = nil
  /// The adapters that act in this pass; nil: the base alone.
  package let adapters: AdapterSet?
  /// Present in training: keys the adapters' dropout masks.
  package let dropout: DropoutKey?
  /// Present in generation: keys and values of the tokens before these.
  package let cache: KeyValueCache?

  package init(
    workspace: Workspace, activations: DataType, segments: Segments, positions: Tensor,
    adapters: AdapterSet? = nil, dropout: DropoutKey? = nil, cache: KeyValueCache? = nil
  ) {
    self.workspace = workspace
    self.activations = activations
    self.segments = segments
    self.positions = positions
    self.adapters = adapters
    self.dropout = dropout
    self.cache = cache
  }
}

extension Pass {
  /// Memory for an activation, with undefined contents.
  func activation(_ shape: [Int]) -> Tensor { workspace.tensor(shape, activations) }

  /// The rows of a rotation's tables: those of the tokens that are selected, and those of all.
  func rotations(of rotary: RotaryEmbedding) -> (queries: Tensor, keys: Tensor) {
    guard rotary.specification.scaling.dependsOnLength, let rows = rotationRows else {
      return (selection?.positions ?? positions, positions)
    }
    return (selected(rows.reshaped([rows.count, 1])), rows)
  }

  /// `x` in the type of activations: itself, or a copy.
  func activation(of x: Tensor) -> Tensor {
    guard x.dataType != activations else { return x }
    let copy = activation(x.shape)
    Kernels.convert(x, into: copy)
    return copy
  }
}

/// Names the dropout masks of one micro-batch. Masks are functions of this key, not of a generator's
/// state, so recomputation and a resumed run see the same ones.
///
/// Elements of a mask are numbered by the rows that a linear layer is given. A token's mask thus depends
/// on the tokens before it in the micro-batch, and in the last layer on those that are selected; what rows
/// share has one mask.
package struct DropoutKey: Sendable {
  package let seed: UInt64
  package let step: Int
  package let microBatch: Int

  package init(seed: UInt64, step: Int, microBatch: Int) {
    precondition(microBatch < 1 << 16, "at most 65535 micro-batches a step")
    self.seed = seed
    self.step = step
    self.microBatch = microBatch
  }

  /// - Parameter site: The `Site.id` of the linear layer.
  func key(site: Int) -> RandomKey {
    precondition(site < 1 << 16, "at most 65536 linear layers")
    return RandomKey(
      seed: seed, .dropout, a: UInt32(truncatingIfNeeded: step), b: UInt32(microBatch << 16 | site))
  }
}
