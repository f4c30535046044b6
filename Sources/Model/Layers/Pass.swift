package import Tensors

/// What every layer needs to know about the forward pass it takes part in.
package struct Pass {
  package let workspace: Workspace
  /// Type of activations: float32, or bfloat16. The residual stream is float32 in both.
  package let activations: DataType
  /// Start offsets of the sequences in the flat batch and the end, int32 [S + 1].
  package let segments: Tensor
  /// Position of each token within its sequence, int32 [T].
  package let positions: Tensor
  /// Present in training: keys the adapters' dropout masks.
  package let dropout: DropoutKey?

  package init(
    workspace: Workspace, activations: DataType, segments: Tensor, positions: Tensor,
    dropout: DropoutKey?
  ) {
    self.workspace = workspace
    self.activations = activations
    self.segments = segments
    self.positions = positions
    self.dropout = dropout
  }
}

extension Pass {
  /// Memory for an activation, with undefined contents.
  func activation(_ shape: [Int]) -> Tensor { workspace.tensor(shape, activations) }

  /// A part of the residual stream in the type of activations: itself, or a copy.
  func activation(of x: Tensor) -> Tensor {
    guard x.dataType != activations else { return x }
    let copy = activation(x.shape)
    Kernels.convert(x, into: copy)
    return copy
  }
}

/// Names the dropout masks of one micro-batch. Masks are functions of this key, not of a generator's
/// state, so recomputation and a resumed run see the same ones.
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

  func key(layer: Int) -> RandomKey {
    RandomKey(
      seed: seed, .dropout, a: UInt32(truncatingIfNeeded: step),
      b: UInt32(microBatch << 16 | layer))
  }
}
