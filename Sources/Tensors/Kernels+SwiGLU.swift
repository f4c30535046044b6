extension Kernels {
  package static func swigluForward(gate: Tensor, up: Tensor, out: Tensor) {
    fatalError("not built yet")
  }

  package static func swigluBackward(
    dOut: Tensor, gate: Tensor, up: Tensor, dGate: Tensor, dUp: Tensor
  ) {
    fatalError("not built yet")
  }
}
