package import Tensors

/// Feed-forward of two layers (Vaswani et al. 2017, arXiv:1706.03762).
///
///     y = act(x W_u' + b_u) W_d' + b_d
package struct PlainFeedForward: ResidualBranch {
  package let up: Linear  // [F, D]
  package let down: Linear  // [D, F]
  package let activation: Activation

  /// What `backward` needs; per token F activations and what the adapters keep. act(up) is made again.
  package struct Saved {
    let up: Tensor  // [T, F], before the activation
    let projections: (up: Linear.Saved, down: Linear.Saved)
  }

  package func makeSaved(tokens: Int, pass: Pass) -> Saved {
    Saved(
      up: pass.activation([tokens, up.weight.outputs]),
      projections: (
        up.makeSaved(tokens: tokens, pass: pass), down.makeSaved(tokens: tokens, pass: pass)
      ))
  }

  package func forward(
    _ x: Tensor, residual: Tensor?, out y: Tensor?, saved: Saved, pass: Pass
  ) {
    let (workspace, projections) = (pass.workspace, saved.projections)
    up.forward(x, out: saved.up, saved: projections.up, workspace: workspace)
    workspace.scope {
      let activated = pass.activation(saved.up.shape)
      Kernels.activationForward(activation, x: saved.up, out: activated)
      if let y {
        down.forward(
          activated, out: y, residual: residual, saved: projections.down, workspace: workspace)
      } else {
        down.recompute(activated, saved: projections.down)
      }
    }
  }

  package func backward(dOut: Tensor, x: Tensor, saved: Saved, into dX: Tensor?, pass: Pass) {
    let (workspace, projections) = (pass.workspace, saved.projections)
    workspace.scope {
      let activated = pass.activation(saved.up.shape)
      Kernels.activationForward(activation, x: saved.up, out: activated)
      let dUp = pass.activation(saved.up.shape)
      Linear.backward(
        [Linear.Branch(linear: down, dOut: dOut, saved: projections.down)], x: activated,
        into: dUp, workspace: workspace)
      Kernels.activationBackward(activation, dOut: dUp, x: saved.up, dX: dUp)
      Linear.backward(
        [Linear.Branch(linear: up, dOut: dUp, saved: projections.up)], x: x, into: dX,
        workspace: workspace)
    }
  }
}

extension PlainSpecification {
  /// Bytes of `PlainFeedForward.Saved`, without the adapters' part.
  func savedBytes(tokens: Int, activations: DataType) -> Int {
    tokens * width * activations.size
  }

  /// Bytes that `PlainFeedForward.backward` works in: what was activated, and its gradient.
  func backwardBytes(tokens: Int, activations: DataType) -> Int {
    2 * tokens * width * activations.size
  }
}
