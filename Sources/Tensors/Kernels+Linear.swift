extension Kernels {
  package static func linearForward(
    x: Tensor, weight: BaseWeight, out: Tensor, workspace: Workspace
  ) {
    fatalError("not built yet")
  }

  package static func linearBackward(
    dOut: Tensor, weight: BaseWeight, into dX: Tensor, workspace: Workspace
  ) {
    fatalError("not built yet")
  }

  package static func matmul(
    a: Tensor, b: Tensor, out: Tensor, transposeA: Bool = false, transposeB: Bool = false,
    alpha: Float = 1, accumulate: Bool = false, workspace: Workspace
  ) {
    fatalError("not built yet")
  }
}
