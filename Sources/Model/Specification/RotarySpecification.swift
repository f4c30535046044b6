import Foundation

/// Rotary positions of the first `dimension` elements of a head (Su et al. 2021, arXiv:2104.09864).
package struct RotarySpecification: Sendable, Hashable {
  package let dimension: Int
  package let theta: Double
  package let scaling: Scaling

  package init(dimension: Int, theta: Double, scaling: Scaling) {
    self.dimension = dimension
    self.theta = theta
    self.scaling = scaling
  }

  /// How positions beyond the original training length are brought back into its range.
  package enum Scaling: Sendable, Hashable {
    case none
    /// Every frequency divided by `factor` (position interpolation, arXiv:2306.15595).
    case linear(factor: Double)
    /// A larger θ for sequences longer than `length` ("dynamic NTK").
    case dynamic(factor: Double, length: Int)
    /// Long wavelengths divided by `factor`, short ones kept, between them blended (Llama 3.1).
    case llama3(factor: Double, lowFactor: Double, highFactor: Double, originalLength: Int)
    case yarn(YaRN)
    case longRoPE(LongRoPE)

    package var dependsOnLength: Bool {
      switch self {
      case .dynamic, .longRoPE: true
      case .none, .linear, .llama3, .yarn: false
      }
    }
  }

  /// Frequencies blended by how often they turn within the original length (arXiv:2309.00071).
  package struct YaRN: Sendable, Hashable {
    package let factor: Double
    package let originalLength: Int
    /// Turns from which on a frequency is kept, and up to which it is divided.
    package let betaFast: Double
    package let betaSlow: Double
    /// Whether the bounds between are whole numbers of elements.
    package let truncates: Bool
    /// Multiplies sines and cosines.
    package let attentionFactor: Double

    package init(
      factor: Double, originalLength: Int, betaFast: Double, betaSlow: Double, truncates: Bool,
      attentionFactor: Double
    ) {
      self.factor = factor
      self.originalLength = originalLength
      self.betaFast = betaFast
      self.betaSlow = betaSlow
      self.truncates = truncates
      self.attentionFactor = attentionFactor
    }
  }

  /// A divisor for each frequency, others beyond the original length (arXiv:2402.13753).
  package struct LongRoPE: Sendable, Hashable {
    package let short: [Double]
    package let long: [Double]
    package let originalLength: Int
    /// Multiplies sines and cosines.
    package let attentionFactor: Double

    package init(
      short: [Double], long: [Double], originalLength: Int, attentionFactor: Double
    ) {
      self.short = short
      self.long = long
      self.originalLength = originalLength
      self.attentionFactor = attentionFactor
    }
  }
}

extension RotarySpecification {
  /// Which frequencies a sequence of `length` tokens has: sequences with the same number have the same.
  func variant(length: Int) -> Int {
    switch scaling {
    case .dynamic(_, let trained): length > trained ? length : 0
    case .longRoPE(let long): length > long.originalLength ? 1 : 0
    case .none, .linear, .llama3, .yarn: 0
    }
  }

  /// Multiplies sines and cosines, so that products of queries and keys grow by its square.
  var attentionFactor: Double {
    switch scaling {
    case .yarn(let yarn): yarn.attentionFactor
    case .longRoPE(let long): long.attentionFactor
    case .none, .linear, .dynamic, .llama3: 1
    }
  }

  /// The angle per position of each pair of elements [dimension / 2], rounded as transformers does.
  func frequencies(variant: Int) -> [Float] {
    let theta = theta(variant: variant)
    let bases = (0..<dimension / 2).map { pair in
      Float(pow(theta, Double(Float(2 * pair) / Float(dimension))))
    }
    switch scaling {
    case .none, .dynamic: return bases.map { 1 / $0 }
    case .linear(let factor): return bases.map { 1 / $0 / Float(factor) }
    case .llama3(let factor, let low, let high, let length):
      return bases.map {
        Self.llama3(1 / $0, factor: factor, low: low, high: high, length: Double(length))
      }
    case .yarn(let yarn): return bases.indices.map { blended(yarn, pair: $0, base: bases[$0]) }
    case .longRoPE(let long):
      let divisors = variant == 0 ? long.short : long.long
      return zip(bases, divisors).map { 1 / (Float($1) * $0) }
    }
  }

  private func theta(variant: Int) -> Double {
    guard case .dynamic(let factor, let trained) = scaling, variant > 0 else { return theta }
    let stretch = factor * Double(variant) / Double(trained) - (factor - 1)
    return theta * pow(stretch, Double(dimension) / Double(dimension - 2))
  }

  /// Llama 3.1: long wavelengths are stretched by `factor`, short ones kept, between them blended.
  static func llama3(
    _ frequency: Float, factor: Double, low: Double, high: Double, length: Double
  ) -> Float {
    let wavelength = 2 * Double.pi / Double(frequency)
    if wavelength < length / high { return frequency }
    if wavelength > length / low { return frequency / Float(factor) }
    let smooth = (length / wavelength - low) / (high - low)
    return Float((1 - smooth) * Double(frequency) / factor + smooth * Double(frequency))
  }

  /// YaRN: a ramp from kept to divided frequencies, between the pairs that turn `betaFast` and
  /// `betaSlow` times within the original length.
  private func blended(_ yarn: YaRN, pair: Int, base: Float) -> Float {
    func place(turns: Double) -> Double {
      Double(dimension) * log(Double(yarn.originalLength) / (turns * 2 * .pi)) / (2 * log(theta))
    }
    var (first, last) = (place(turns: yarn.betaFast), place(turns: yarn.betaSlow))
    if yarn.truncates { (first, last) = (first.rounded(.down), last.rounded(.up)) }
    first = max(first, 0)
    last = min(last, Double(dimension - 1))
    if first == last { last += 0.001 }
    let ramp = min(max((Double(pair) - first) / (last - first), 0), 1)
    return Float(ramp / (yarn.factor * Double(base)) + (1 - ramp) / Double(base))
  }
}
