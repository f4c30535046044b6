package import Tensors

/// A frozen linear layer without bias, and its adapter if it has one.
///
///     y = x W' (+ adapter)        dx += dy W (+ adapter)
///
/// How W is stored (float32, NF4) is the matter of `BaseWeight`, not of this layer.
package struct Linear {
  /// The Hugging Face module path, e.g. `model.layers.0.self_attn.q_proj`.
  package let name: String
  package let weight: BaseWeight  // [N, K]
  package var adapter: LoRA?

  package init(name: String, weight: BaseWeight, adapter: LoRA? = nil) {
    self.name = name
    self.weight = weight
    self.adapter = adapter
  }

  /// What `backward` needs besides the input; nothing without an adapter.
  package typealias Saved = LoRA.Saved?

  package func makeSaved(tokens: Int, pass: Pass) -> Saved {
    adapter?.makeSaved(tokens: tokens, pass: pass)
  }

  /// - Parameters:
  ///   - x: [T, K]
  ///   - y: [T, N], overwritten.
  package func forward(_ x: Tensor, out y: Tensor, saved: Saved, workspace: Workspace) {
    Kernels.linearForward(x: x, weight: weight, out: y, workspace: workspace)
    if let adapter, let saved { adapter.forward(x, into: y, saved: saved, workspace: workspace) }
  }

  /// Adds to the adapter's gradients and to `dX` [T, K]; nil where the input needs no gradient.
  package func backward(
    dOut: Tensor, x: Tensor, saved: Saved, into dX: Tensor?, workspace: Workspace
  ) {
    if let dX { Kernels.linearBackward(dOut: dOut, weight: weight, into: dX, workspace: workspace) }
    if let adapter, let saved {
      adapter.backward(dOut: dOut, x: x, saved: saved, into: dX, workspace: workspace)
    }
  }
}
