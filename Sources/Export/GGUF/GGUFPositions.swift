import Formats
import Foundation
import Model
import Tensors

/// How a GGUF file tells llama.cpp about rotary positions: keys, and tables of divisors.
struct GGUFPositions {
  /// Divisors of frequencies, float32.
  typealias Table = (name: String, values: [Float])

  /// Without the architecture in front.
  private(set) var fields: [(key: String, value: GGUFField)] = []
  private(set) var tables: [Table] = []
  private(set) var problems: [String] = []

  init(_ configuration: ModelConfiguration, architecture: String) {
    let blocks = configuration.specification.blocks.map(\.attention)
    checkRotatedLayers(blocks, architecture)
    // Gemma 3 has a rotation of its own in layers with a window.
    let isDivided = architecture == "gemma3"
    let whole = blocks.filter { !isDivided || $0.shape.window == nil }.compactMap(\.rotary)
    let local = isDivided ? blocks.filter { $0.shape.window != nil }.compactMap(\.rotary) : []
    guard let rotary = whole.first ?? local.first else { return }
    fields.append(("rope.dimension_count", .uint32(UInt32(rotary.dimension))))
    fields.append(("rope.freq_base", .float32(Float(rotary.theta))))
    if let local = local.first {
      fields.append(("rope.freq_base_swa", .float32(Float(local.theta))))
      if local.scaling != .none { problems.append("scaled positions in layers with a window") }
    }
    if Set(whole).count > 1 || Set(local).count > 1 {
      problems.append("rotary positions that differ from layer to layer")
    }
    addScaling(rotary, architecture)
  }

  /// Which layers rotate at all is fixed in llama.cpp.
  private mutating func checkRotatedLayers(
    _ blocks: [AttentionSpecification], _ architecture: String
  ) {
    let fits = blocks.enumerated().allSatisfy { layer, attention in
      switch architecture {
      case "gpt2": attention.rotary == nil
      case "smollm3": (attention.rotary == nil) == ((layer + 1) % 4 == 0)
      default: attention.rotary != nil
      }
    }
    if !fits { problems.append("other layers without rotary positions than llama.cpp assumes") }
  }

  private mutating func addScaling(_ rotary: RotarySpecification, _ architecture: String) {
    switch rotary.scaling {
    case .none: break
    case .linear(let factor):
      fields.append(("rope.scaling.type", .string("linear")))
      fields.append(("rope.scaling.factor", .float32(Float(factor))))
    case .llama3(let factor, let low, let high, let length):
      let divisors = (0..<rotary.dimension / 2).map { pair in
        Self.llama3Divisor(
          wavelength: 2 * .pi * pow(rotary.theta, 2 * Double(pair) / Double(rotary.dimension)),
          factor: factor, low: low, high: high, length: Double(length))
      }
      tables.append(("rope_freqs.weight", divisors.map(Float.init)))
    case .yarn(let yarn): addYaRN(yarn)
    case .longRoPE(let long):
      guard architecture == "phi3" else { return problems.append("LongRoPE outside Phi-3") }
      fields.append(
        ("rope.scaling.original_context_length", .uint32(UInt32(clamping: long.originalLength))))
      fields.append(("rope.scaling.attn_factor", .float32(Float(long.attentionFactor))))
      tables.append(("rope_factors_long.weight", long.long.map(Float.init)))
      tables.append(("rope_factors_short.weight", long.short.map(Float.init)))
    case .dynamic: problems.append("dynamic NTK scaling of positions")
    }
  }

  /// By how much Llama 3.1 divides the frequency of a wavelength.
  static func llama3Divisor(
    wavelength: Double, factor: Double, low: Double, high: Double, length: Double
  ) -> Double {
    if wavelength < length / high { return 1 }
    if wavelength > length / low { return factor }
    let smooth = (length / wavelength - low) / (high - low)
    return 1 / ((1 - smooth) / factor + smooth)
  }

  /// llama.cpp multiplies sines and cosines by 0.1 ln(factor) + 1 and by a factor of the file.
  private mutating func addYaRN(_ yarn: RotarySpecification.YaRN) {
    guard yarn.truncates else { return problems.append("YaRN without whole bounds") }
    guard yarn.betaFast == 32, yarn.betaSlow == 1 else {
      return problems.append("YaRN with other bounds than 32 and 1 turns")
    }
    let own = yarn.factor > 1 ? 0.1 * log(yarn.factor) + 1 : 1
    fields += [
      ("rope.scaling.type", .string("yarn")),
      ("rope.scaling.factor", .float32(Float(yarn.factor))),
      ("rope.scaling.original_context_length", .uint32(UInt32(clamping: yarn.originalLength))),
      ("rope.scaling.attn_factor", .float32(Float(yarn.attentionFactor / own))),
    ]
  }
}
