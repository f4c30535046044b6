extension Kernels {
  package static func linearCrossEntropy(
    hidden: Tensor, weight: BaseWeight, labels: Tensor, gradientScale: Double,
    loss: Tensor, dHidden: Tensor?, workspace: Workspace
  ) {
    fatalError("not built yet")
  }
}
