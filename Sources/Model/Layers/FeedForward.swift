package import Tensors

/// Gated feed-forward (SwiGLU, Shazeer 2020, arXiv:2002.05202).
///
///     y = (silu(x W_g') · (x W_u')) W_d',   silu(z) = z / (1 + exp(−z))
package struct FeedForward {
  package var gate: Linear  // [F, D]
  package var up: Linear  // [F, D]
  package var down: Linear  // [D, F]

  /// What `backward` needs; per token 2·F floats and the adapters' ranks. The product
  /// silu(gate) · up is cheap, so it is made again.
  package struct Saved {
    let gate: Tensor  // [T, F]
    let up: Tensor  // [T, F]
    let projections: (gate: Linear.Saved, up: Linear.Saved, down: Linear.Saved)
  }

  package func makeSaved(tokens: Int, pass: Pass) -> Saved {
    Saved(
      gate: pass.workspace.tensor([tokens, gate.weight.outputs]),
      up: pass.workspace.tensor([tokens, up.weight.outputs]),
      projections: (
        gate.makeSaved(tokens: tokens, pass: pass), up.makeSaved(tokens: tokens, pass: pass),
        down.makeSaved(tokens: tokens, pass: pass)
      ))
  }

  /// - Parameters:
  ///   - x: [T, D], normalized.
  ///   - y: [T, D], overwritten.
  package func forward(_ x: Tensor, out y: Tensor, saved: Saved, workspace: Workspace) {
    gate.forward(x, out: saved.gate, saved: saved.projections.gate, workspace: workspace)
    up.forward(x, out: saved.up, saved: saved.projections.up, workspace: workspace)
    workspace.scope {
      let product = workspace.tensor(saved.gate.shape)
      Kernels.swigluForward(gate: saved.gate, up: saved.up, out: product)
      down.forward(product, out: y, saved: saved.projections.down, workspace: workspace)
    }
  }

  /// Adds to the adapters' gradients and to `dX` [T, D].
  ///
  /// - Parameter x: The input of `forward`.
  package func backward(
    dOut: Tensor, x: Tensor, saved: Saved, into dX: Tensor, workspace: Workspace
  ) {
    workspace.scope {
      let product = workspace.tensor(saved.gate.shape)
      Kernels.swigluForward(gate: saved.gate, up: saved.up, out: product)
      let dProduct = workspace.zeros(saved.gate.shape)
      down.backward(
        dOut: dOut, x: product, saved: saved.projections.down, into: dProduct,
        workspace: workspace)
      let dGate = product
      let dUp = workspace.tensor(saved.up.shape)
      Kernels.swigluBackward(
        dOut: dProduct, gate: saved.gate, up: saved.up, dGate: dGate, dUp: dUp)
      gate.backward(
        dOut: dGate, x: x, saved: saved.projections.gate, into: dX, workspace: workspace)
      up.backward(dOut: dUp, x: x, saved: saved.projections.up, into: dX, workspace: workspace)
    }
  }
}
