extension Kernels {
  package static func rmsNormForward(
    x: Tensor, weight: Tensor, epsilon: Float, out: Tensor, inverseRMS: Tensor
  ) {
    fatalError("not built yet")
  }

  package static func rmsNormBackward(
    dOut: Tensor, x: Tensor, weight: Tensor, inverseRMS: Tensor, into dX: Tensor
  ) {
    fatalError("not built yet")
  }
}
