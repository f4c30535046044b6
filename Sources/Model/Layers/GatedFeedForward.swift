package import Tensors

/// Gated feed-forward (Shazeer 2020, arXiv:2002.05202).
///
///     y = (act(x W_g') · (x W_u')) W_d'
package struct GatedFeedForward: ResidualBranch {
  package let inputs: Inputs
  package let down: Linear  // [D, F]
  package let activation: Activation

  package enum Inputs {
    /// [F, D] each
    case separate(gate: Linear, up: Linear)
    /// [2F, D]: the gate's rows, then those of up.
    case fused(Linear)
  }

  /// Columns between the products, F.
  private var width: Int { down.weight.inputs }

  /// What `backward` needs; per token 2·F activations and what the adapters keep. The product
  /// act(gate) · up is cheap, so it is made again.
  package struct Saved {
    let gate: Tensor  // [T, F]
    let up: Tensor  // [T, F]
    let inputs: (gate: Linear.Saved, up: Linear.Saved)
    let down: Linear.Saved
  }

  package func makeSaved(tokens: Int, pass: Pass) -> Saved {
    let inputs: (gate: Linear.Saved, up: Linear.Saved) =
      switch self.inputs {
      case .separate(let gate, let up):
        (gate.makeSaved(tokens: tokens, pass: pass), up.makeSaved(tokens: tokens, pass: pass))
      case .fused(let both): (both.makeSaved(tokens: tokens, pass: pass), nil)
      }
    return Saved(
      gate: pass.activation([tokens, width]), up: pass.activation([tokens, width]),
      inputs: inputs, down: down.makeSaved(tokens: tokens, pass: pass))
  }

  package func forward(
    _ x: Tensor, residual: Tensor?, out y: Tensor?, saved: Saved, pass: Pass
  ) {
    let workspace = pass.workspace
    makeGateAndUp(x, saved: saved, pass: pass)
    workspace.scope {
      let product = pass.activation(saved.gate.shape)
      Kernels.gatedForward(activation, gate: saved.gate, up: saved.up, out: product)
      if let y {
        down.forward(product, out: y, residual: residual, saved: saved.down, workspace: workspace)
      } else {
        down.recompute(product, saved: saved.down)
      }
    }
  }

  private func makeGateAndUp(_ x: Tensor, saved: Saved, pass: Pass) {
    let workspace = pass.workspace
    switch inputs {
    case .separate(let gate, let up):
      gate.forward(x, out: saved.gate, saved: saved.inputs.gate, workspace: workspace)
      up.forward(x, out: saved.up, saved: saved.inputs.up, workspace: workspace)
    case .fused(let linear):
      workspace.scope {
        let both = pass.activation([x.shape[0], 2 * width])
        linear.forward(x, out: both, saved: saved.inputs.gate, workspace: workspace)
        Kernels.gatherColumns(both, blocks: [0], out: saved.gate)
        Kernels.gatherColumns(both, blocks: [1], out: saved.up)
      }
    }
  }

  package func backward(dOut: Tensor, x: Tensor, saved: Saved, into dX: Tensor?, pass: Pass) {
    let workspace = pass.workspace
    workspace.scope {
      let product = pass.activation(saved.gate.shape)
      Kernels.gatedForward(activation, gate: saved.gate, up: saved.up, out: product)
      let dProduct = pass.activation(saved.gate.shape)
      Linear.backward(
        [Linear.Branch(linear: down, dOut: dOut, saved: saved.down)], x: product,
        into: dProduct, workspace: workspace)
      let (dGate, dUp) = (product, dProduct)
      Kernels.gatedBackward(
        activation, dOut: dProduct, gate: saved.gate, up: saved.up, dGate: dGate, dUp: dUp)
      switch inputs {
      case .separate(let gate, let up):
        Linear.backward(
          [
            Linear.Branch(linear: gate, dOut: dGate, saved: saved.inputs.gate),
            Linear.Branch(linear: up, dOut: dUp, saved: saved.inputs.up),
          ], x: x, into: dX, workspace: workspace)
      case .fused(let linear):
        let dBoth = pass.activation([x.shape[0], 2 * width])
        Kernels.scatterColumns(dGate, blocks: [0], out: dBoth)
        Kernels.scatterColumns(dUp, blocks: [1], out: dBoth)
        Linear.backward(
          [Linear.Branch(linear: linear, dOut: dBoth, saved: saved.inputs.gate)], x: x, into: dX,
          workspace: workspace)
      }
    }
  }
}

extension GatedSpecification {
  /// Bytes of `GatedFeedForward.Saved`, without the adapters' part.
  func savedBytes(tokens: Int, activations: DataType) -> Int {
    2 * tokens * width * activations.size
  }

  /// Bytes that `GatedFeedForward.backward` works in: the product and its gradient, and both gradients
  /// side by side where one layer makes gate and up.
  func backwardBytes(tokens: Int, activations: DataType) -> Int {
    if case .fused = inputs { return 4 * tokens * width * activations.size }
    return 2 * tokens * width * activations.size
  }
}
