package import Tensors

/// The output head: logits z = hidden W' + b, then c · tanh(z / c) where the model caps them.
package struct OutputHead {
  /// [V, D]; the embedding itself where the two are tied.
  package let weight: BaseWeight
  package let bias: Tensor?  // float32 [V]
  package let softCap: Float?

  /// - Parameters:
  ///   - hidden: [T, D], normalized.
  ///   - out: float32 [T, V], overwritten.
  package func logits(_ hidden: Tensor, out: Tensor, workspace: Workspace) {
    Kernels.linearForward(x: hidden, weight: weight, bias: bias, out: out, workspace: workspace)
    if let softCap { Kernels.softCap(out, at: softCap) }
  }
}
