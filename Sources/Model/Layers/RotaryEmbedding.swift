import Foundation
package import Tensors

/// Rotary position embedding (Su et al. 2021, arXiv:2104.09864) in the Hugging Face convention:
/// element i is paired with i + E/2.
///
///     (a, b) → (a cos θ − b sin θ, b cos θ + a sin θ),   θ = position · frequency_i
///
/// The backward pass rotates by −θ.
package final class RotaryEmbedding {
  private let frequencies: [Float]  // [E/2]
  private var cosines: Tensor  // [P, E/2]
  private var sines: Tensor  // [P, E/2]
  private let headDimension: Int

  package init(_ specification: RotarySpecification) {
    headDimension = specification.headDimension
    frequencies = Self.frequencies(specification)
    cosines = Tensor.zeros([0, headDimension / 2])
    sines = cosines
  }

  /// frequency_i = base^(−2i/E), then scaled as the configuration says.
  private static func frequencies(_ specification: RotarySpecification) -> [Float] {
    let dimension = specification.headDimension
    return (0..<dimension / 2).map { i in
      let exponent = Float(2 * i) / Float(dimension)
      let frequency = 1 / Float(pow(specification.theta, Double(exponent)))
      return specification.scaling.scaled(frequency)
    }
  }

  /// Makes the tables cover positions 0 ..< `count`; grows by doubling, so rarely does anything.
  package func prepare(positions count: Int) {
    guard count > cosines.shape[0] else { return }
    let capacity = max(count, 2 * cosines.shape[0], 512)
    var cosineValues: [Float] = []
    var sineValues: [Float] = []
    cosineValues.reserveCapacity(capacity * frequencies.count)
    sineValues.reserveCapacity(capacity * frequencies.count)
    for position in 0..<capacity {
      for frequency in frequencies {
        // The angle is rounded to float32 as PyTorch does; its sine is then exact.
        let angle = Double(Float(position) * frequency)
        cosineValues.append(Float(cos(angle)))
        sineValues.append(Float(sin(angle)))
      }
    }
    cosines = Tensor.from(cosineValues, shape: [capacity, frequencies.count], .float32)
    sines = Tensor.from(sineValues, shape: [capacity, frequencies.count], .float32)
  }

  /// Rotates every head of `x` [T, heads · E] in place; `inverse` is the backward pass.
  package func rotate(_ x: Tensor, positions: Tensor, inverse: Bool = false) {
    Kernels.rope(
      x: x, positions: positions, cos: cosines, sin: sines, headDimension: headDimension,
      inverse: inverse)
  }
}

extension RotarySpecification.Scaling {
  /// The frequency after position interpolation.
  func scaled(_ frequency: Float) -> Float {
    switch self {
    case .none: return frequency
    case .linear(let factor): return frequency / Float(factor)
    case .llama3(let factor, let lowFactor, let highFactor, let originalLength):
      // Llama 3.1: long wavelengths are stretched by `factor`, short ones kept, between blended.
      let wavelength = 2 * Double.pi / Double(frequency)
      if wavelength < Double(originalLength) / highFactor { return frequency }
      if wavelength > Double(originalLength) / lowFactor { return frequency / Float(factor) }
      let smooth =
        (Double(originalLength) / wavelength - lowFactor) / (highFactor - lowFactor)
      return Float((1 - smooth) * Double(frequency) / factor + smooth * Double(frequency))
    }
  }
}
