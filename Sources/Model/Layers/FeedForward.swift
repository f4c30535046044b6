package import Tensors

/// Gated feed-forward (Shazeer 2020, arXiv:2002.05202).
///
///     y = (act(x W_g') · (x W_u')) W_d',   act(z) = z / (1 + exp(−z)) or GELU
package struct FeedForward: ResidualBranch {
  package let gate: Linear  // [F, D]
  package let up: Linear  // [F, D]
  package let down: Linear  // [D, F]
  package let activation: Activation

  /// What `backward` needs; per token 2·F activations and what the adapters keep. The product
  /// act(gate) · up is cheap, so it is made again.
  package struct Saved {
    let gate: Tensor  // [T, F]
    let up: Tensor  // [T, F]
    let projections: (gate: Linear.Saved, up: Linear.Saved, down: Linear.Saved)
  }

  package func makeSaved(tokens: Int, pass: Pass) -> Saved {
    Saved(
      gate: pass.activation([tokens, gate.weight.outputs]),
      up: pass.activation([tokens, up.weight.outputs]),
      projections: (
        gate.makeSaved(tokens: tokens, pass: pass), up.makeSaved(tokens: tokens, pass: pass),
        down.makeSaved(tokens: tokens, pass: pass)
      ))
  }

  package func forward(
    _ x: Tensor, residual: Tensor?, out y: Tensor?, saved: Saved, pass: Pass
  ) {
    let (workspace, projections) = (pass.workspace, saved.projections)
    gate.forward(x, out: saved.gate, saved: projections.gate, workspace: workspace)
    up.forward(x, out: saved.up, saved: projections.up, workspace: workspace)
    workspace.scope {
      let product = pass.activation(saved.gate.shape)
      Kernels.gatedForward(activation, gate: saved.gate, up: saved.up, out: product)
      if let y {
        down.forward(
          product, out: y, residual: residual, saved: projections.down, workspace: workspace)
      } else {
        down.recompute(product, saved: projections.down)
      }
    }
  }

  package func backward(dOut: Tensor, x: Tensor, saved: Saved, into dX: Tensor?, pass: Pass) {
    let (workspace, projections) = (pass.workspace, saved.projections)
    workspace.scope {
      let product = pass.activation(saved.gate.shape)
      Kernels.gatedForward(activation, gate: saved.gate, up: saved.up, out: product)
      let dProduct = pass.activation(saved.gate.shape)
      Linear.backward(
        [Linear.Branch(linear: down, dOut: dOut, saved: projections.down)], x: product,
        into: dProduct, workspace: workspace)
      let (dGate, dUp) = (product, dProduct)
      Kernels.gatedBackward(
        activation, dOut: dProduct, gate: saved.gate, up: saved.up, dGate: dGate, dUp: dUp)
      Linear.backward(
        [
          Linear.Branch(linear: gate, dOut: dGate, saved: projections.gate),
          Linear.Branch(linear: up, dOut: dUp, saved: projections.up),
        ], x: x, into: dX, workspace: workspace)
    }
  }
}

extension FeedForwardSpecification {
  /// Bytes of `FeedForward.Saved`, without the adapters' part.
  func savedBytes(tokens: Int, activations: DataType) -> Int {
    2 * tokens * gate.weight.outputs * activations.size
  }

  /// Bytes that `FeedForward.backward` works in: the product and its gradient.
  func backwardBytes(tokens: Int, activations: DataType) -> Int {
    2 * tokens * gate.weight.outputs * activations.size
  }
}
