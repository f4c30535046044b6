package import Tensors

/// What is trained on one frozen linear layer: LoRA, and whatever else adds to a layer's output.
package protocol LinearAdapter: AnyObject {
  /// The trained tensors, in the order of the file.
  var parameters: [Parameter] { get }

  /// Begins one pass over the layer: takes the memory of what `backward` will need.
  func begin(tokens: Int, pass: Pass) -> any LinearAdapterPass

  /// Adds the adapter to the layer's weight, float32 [N, K].
  func merge(into weight: Tensor, workspace: Workspace)
}

/// An adapter in one forward and backward pass.
package protocol LinearAdapterPass: AnyObject {
  /// What the adapter adds to the layer's output: a term of the one sum that makes it.
  ///
  /// - Parameter x: [T, K], the layer's input.
  func forward(_ x: Tensor) -> LowRankTerm

  /// Adds to the parameters' gradients and returns the adapter's part of the input gradient, where that
  /// is a term of the layer's sum. It takes memory that must outlive the call.
  ///
  /// - Parameters:
  ///   - dOut: [T, N]
  ///   - x: The input of `forward`.
  func backward(dOut: Tensor, x: Tensor) -> LowRankTerm?

  /// Adds what `backward` could not return as a term to the finished input gradient [T, K].
  func addInputGradient(to dX: Tensor)
}
