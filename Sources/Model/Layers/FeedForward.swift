package import Tensors

/// Gated feed-forward (SwiGLU, Shazeer 2020, arXiv:2002.05202).
///
///     y = (silu(x W_g') · (x W_u')) W_d',   silu(z) = z / (1 + exp(−z))
package struct FeedForward {
  package var gate: Linear  // [F, D]
  package var up: Linear  // [F, D]
  package var down: Linear  // [D, F]

  /// What `backward` needs; per token 2·F activations and the adapters' ranks. The product
  /// silu(gate) · up is cheap, so it is made again.
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

  /// - Parameters:
  ///   - x: [T, D], normalized.
  ///   - residual: float32 [T, D], added to the result.
  ///   - y: float32 [T, D], overwritten; nil where only `saved` is wanted.
  package func forward(_ x: Tensor, residual: Tensor, out y: Tensor?, saved: Saved, pass: Pass) {
    let (workspace, projections) = (pass.workspace, saved.projections)
    gate.forward(x, out: saved.gate, saved: projections.gate, workspace: workspace)
    up.forward(x, out: saved.up, saved: projections.up, workspace: workspace)
    workspace.scope {
      let product = pass.activation(saved.gate.shape)
      Kernels.swigluForward(gate: saved.gate, up: saved.up, out: product)
      if let y {
        down.forward(
          product, out: y, residual: residual, saved: projections.down, workspace: workspace)
      } else {
        down.recompute(product, saved: projections.down, workspace: workspace)
      }
    }
  }

  /// Adds to the adapters' gradients and writes `dX` [T, D].
  ///
  /// - Parameter x: The input of `forward`.
  package func backward(dOut: Tensor, x: Tensor, saved: Saved, into dX: Tensor, pass: Pass) {
    let (workspace, projections) = (pass.workspace, saved.projections)
    workspace.scope {
      let product = pass.activation(saved.gate.shape)
      Kernels.swigluForward(gate: saved.gate, up: saved.up, out: product)
      let dProduct = pass.activation(saved.gate.shape)
      Linear.backward(
        [Linear.Branch(linear: down, dOut: dOut, saved: projections.down)], x: product,
        into: dProduct, workspace: workspace)
      let (dGate, dUp) = (product, dProduct)
      Kernels.swigluBackward(
        dOut: dProduct, gate: saved.gate, up: saved.up, dGate: dGate, dUp: dUp)
      Linear.backward(
        [
          Linear.Branch(linear: gate, dOut: dGate, saved: projections.gate),
          Linear.Branch(linear: up, dOut: dUp, saved: projections.up),
        ], x: x, into: dX, workspace: workspace)
    }
  }
}
