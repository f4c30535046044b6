import Formats
import Foundation

/// What differs between families in the description of rotary positions.
struct RotaryKeys {
  var theta = "rope_theta"
  var defaultTheta = 10000.0
  /// The share of a head's elements that is rotated.
  var fraction = "partial_rotary_factor"
  var defaultFraction = 1.0
  /// Whether an original length that nothing names is this, rather than the longest text.
  var originalLength: Int?
  /// The entry of `rope_parameters` that counts, where it has one for each type of layer.
  var layerType: String?
  /// Phi-3 calls the same scaling by several names.
  var longRoPENames: Set<String> = ["longrope"]
  /// Whether `rope_scaling` counts; layers in a window are never scaled.
  var isScaled = true
}

extension ConfigurationReader {
  /// `rope_theta` and `rope_scaling`, or both in `rope_parameters` as transformers 5 writes them; where
  /// both stand, `rope_scaling` counts.
  mutating func rotary(headDimension: Int, _ keys: RotaryKeys = RotaryKeys()) -> RotarySpecification
  {
    let parameters = rotaryParameters(keys)
    let nested = ConfigurationReader(parameters)
    var theta = positive(keys.theta, atMost: 1e15, default: keys.defaultTheta)
    if nested.value("rope_theta") != nil {
      theta = rope(parameters, "rope_theta", atMost: 1e15) ?? theta
    }
    // The parameters' own counts before that of the whole configuration.
    let fraction =
      nested.value("partial_rotary_factor")?.number
      ?? positive(keys.fraction, atMost: 1, default: keys.defaultFraction)
    let dimension = Int(Double(headDimension) * min(max(fraction, 0), 1))
    guard dimension >= 2, dimension.isMultiple(of: 2) else {
      problems.append(
        "\"\(keys.fraction)\" is \(fraction): \(dimension) of the \(headDimension) elements of a head"
          + " are rotated, expected an even number of 2 or more")
      return RotarySpecification(dimension: 2, theta: theta, scaling: .none)
    }
    let kind = nested.value("rope_type")?.string ?? nested.value("type")?.string ?? "default"
    return RotarySpecification(
      dimension: dimension, theta: theta,
      scaling: scaling(kind, parameters, dimension: dimension, keys))
  }

  private func rotaryParameters(_ keys: RotaryKeys) -> JSON {
    var parameters = value("rope_parameters") ?? .null
    if let type = keys.layerType, let own = parameters[type], own.object != nil {
      return own
    }
    // Of layers that are scaled; those in a window have an entry of their own or none.
    if !keys.isScaled { return .null }
    if let scaling = value("rope_scaling"), scaling.object?.members.isEmpty == false {
      parameters = scaling
    }
    return parameters
  }

  private mutating func scaling(
    _ kind: String, _ parameters: JSON, dimension: Int, _ keys: RotaryKeys
  ) -> RotarySpecification.Scaling {
    switch kind {
    case "default": return .none
    case "linear": return .linear(factor: rope(parameters, "factor") ?? 1)
    case "dynamic":
      guard dimension > 2 else {
        problems.append("the rope type is \"dynamic\", which rotates 4 or more elements of a head")
        return .none
      }
      return .dynamic(factor: rope(parameters, "factor") ?? 1, length: positions)
    case "llama3": return llama3(parameters, keys)
    case "yarn" where !keys.longRoPENames.contains("yarn"): return .yarn(yarn(parameters, keys))
    case let name where keys.longRoPENames.contains(name):
      return .longRoPE(longRoPE(parameters, pairs: dimension / 2, keys))
    default:
      problems.append(
        "the rope type is \"\(kind)\", supported are default, linear, dynamic, llama3, yarn and"
          + " longrope; choose another model")
      return .none
    }
  }

  private mutating func llama3(
    _ parameters: JSON, _ keys: RotaryKeys
  ) -> RotarySpecification.Scaling {
    let low = rope(parameters, "low_freq_factor") ?? 1
    let high = rope(parameters, "high_freq_factor") ?? 4
    if low >= high {
      problems.append(
        "\"low_freq_factor\" is \(low), expected less than high_freq_factor, \(high)")
    }
    return .llama3(
      factor: rope(parameters, "factor") ?? 1, lowFactor: low, highFactor: high,
      originalLength: originalLength(parameters, keys))
  }

  private mutating func yarn(_ parameters: JSON, _ keys: RotaryKeys) -> RotarySpecification.YaRN {
    let length = originalLength(parameters, keys)
    let nested = ConfigurationReader(parameters)
    let factor =
      nested.value("factor") == nil
      ? Double(positions) / Double(length) : rope(parameters, "factor") ?? 1
    func scale(_ weight: Double) -> Double { factor <= 1 ? 1 : 0.1 * weight * log(factor) + 1 }
    let attention: Double
    if nested.value("attention_factor") != nil {
      attention = rope(parameters, "attention_factor") ?? 1
    } else if let scaled = nested.value("mscale")?.number, scaled != 0,
      let all = nested.value("mscale_all_dim")?.number, all != 0
    {
      attention = scale(scaled) / scale(all)
    } else {
      attention = scale(1)
    }
    let fast = optionalRope(parameters, "beta_fast", default: 32)
    let slow = optionalRope(parameters, "beta_slow", default: 1)
    return RotarySpecification.YaRN(
      factor: factor, originalLength: length, betaFast: fast, betaSlow: slow,
      truncates: parameters["truncate"]?.bool ?? true, attentionFactor: attention)
  }

  private mutating func longRoPE(
    _ parameters: JSON, pairs: Int, _ keys: RotaryKeys
  ) -> RotarySpecification.LongRoPE {
    let length = originalLength(parameters, keys)
    let nested = ConfigurationReader(parameters)
    let factor =
      nested.value("factor") == nil
      ? Double(positions) / Double(length) : rope(parameters, "factor") ?? 1
    let attention =
      nested.value("attention_factor") != nil
      ? rope(parameters, "attention_factor") ?? 1
      : factor <= 1 ? 1 : (1 + log(factor) / log(Double(length))).squareRoot()
    return RotarySpecification.LongRoPE(
      short: divisors(parameters, "short_factor", pairs: pairs),
      long: divisors(parameters, "long_factor", pairs: pairs), originalLength: length,
      attentionFactor: attention)
  }

  private mutating func divisors(_ parameters: JSON, _ key: String, pairs: Int) -> [Double] {
    let numbers = (parameters[key]?.array ?? []).compactMap(\.number).filter {
      $0 > 0 && $0 <= 1e6
    }
    if numbers.count == pairs { return numbers }
    problems.append(
      "\"\(key)\" of the rope parameters is not \(pairs) positive numbers, one for each pair of"
        + " elements that is rotated")
    return [Double](repeating: 1, count: pairs)
  }

  /// Of the whole configuration, else of the parameters, else the longest text.
  private mutating func originalLength(_ parameters: JSON, _ keys: RotaryKeys) -> Int {
    let key = "original_max_position_embeddings"
    if value(key) != nil { return max(size(key, atMost: 1 << 40), 2) }
    if let standard = keys.originalLength, ConfigurationReader(parameters).value(key) == nil {
      return standard
    }
    guard ConfigurationReader(parameters).value(key) != nil else { return positions }
    return max(Int(rope(parameters, key, atMost: 1e12) ?? 8192), 2)
  }

  private mutating func optionalRope(
    _ parameters: JSON, _ key: String, default standard: Double
  ) -> Double {
    guard ConfigurationReader(parameters).value(key) != nil else { return standard }
    return rope(parameters, key) ?? standard
  }

  /// A positive number that must be among the rope parameters.
  private mutating func rope(_ parameters: JSON, _ key: String, atMost limit: Double = 1e6)
    -> Double?
  {
    guard let number = parameters[key]?.number, number > 0, number <= limit else {
      problems.append(
        "\"\(key)\" of the rope parameters is \(parameters[key]?.text() ?? "missing"), expected a"
          + " positive number")
      return nil
    }
    return number
  }
}
