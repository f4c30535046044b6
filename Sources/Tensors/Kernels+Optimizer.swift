extension Kernels {
  package static func adamW(
    parameter: Tensor, gradient: Tensor, firstMoment: Tensor, secondMoment: Tensor,
    learningRate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double,
    step: Int, gradientScale: Double
  ) {
    fatalError("not built yet")
  }

  package static func sumOfSquares(_ tensors: [Tensor], out: Tensor) {
    fatalError("not built yet")
  }
}
