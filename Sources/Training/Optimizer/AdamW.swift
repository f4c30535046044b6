package import Model
package import Tensors

/// AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101), in PyTorch's order of arithmetic.
package final class AdamW {
  package struct Settings: Sendable {
    package var beta1: Double
    package var beta2: Double
    package var epsilon: Double
    package var weightDecay: Double

    package init(beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double) {
      self.beta1 = beta1
      self.beta2 = beta2
      self.epsilon = epsilon
      self.weightDecay = weightDecay
    }
  }

  package let settings: Settings
  package let parameters: [Parameter]
  package let firstMoments: [Tensor]
  package let secondMoments: [Tensor]
  /// Updates made so far.
  package var step = 0

  private let squares = Tensor.zeros([1], .float64)

  package init(parameters: [Parameter], settings: Settings) {
    self.parameters = parameters
    self.settings = settings
    let memory = TensorPool()
    firstMoments = parameters.map { Tensor.zeros($0.value.shape, in: memory) }
    secondMoments = parameters.map { Tensor.zeros($0.value.shape, in: memory) }
  }

  /// Global L2 norm of all gradients.
  package func gradientNorm() -> Double {
    Kernels.sumOfSquares(parameters.map(\.gradient), out: squares)
    return squares.scalar.squareRoot()
  }

  /// One update with all gradients multiplied by `gradientScale`; gradients are zero afterwards.
  package func update(learningRate: Double, gradientScale: Double) {
    step += 1
    for (index, parameter) in parameters.enumerated() {
      Kernels.adamW(
        parameter: parameter.value, gradient: parameter.gradient,
        firstMoment: firstMoments[index], secondMoment: secondMoments[index],
        learningRate: learningRate, beta1: settings.beta1, beta2: settings.beta2,
        epsilon: settings.epsilon, weightDecay: settings.weightDecay, step: step,
        gradientScale: gradientScale)
    }
    clearGradients()
  }

  package func clearGradients() {
    for parameter in parameters { parameter.gradient.fillWithZeros() }
  }

  /// PyTorch's factor of `clip_grad_norm_`: 1 where the norm is within the bound; nil = no bound.
  package static func clipScale(norm: Double, maximum: Double?) -> Double {
    guard let maximum, maximum > 0 else { return 1 }
    return min(1, maximum / (norm + 1e-6))
  }
}
