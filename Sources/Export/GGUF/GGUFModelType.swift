import Tensors

/// How the weights of a model are stored in a GGUF file. Raw values are llama.cpp's names; Q4_K_M and
/// Q5_K_M are mixes that spend more bits where quality suffers most.
package enum GGUFModelType: String, CaseIterable, Sendable {
  case f32 = "F32"
  case f16 = "F16"
  case bf16 = "BF16"
  case q8_0 = "Q8_0"
  case q6_K = "Q6_K"
  case q5_K_M = "Q5_K_M"
  case q4_K_M = "Q4_K_M"
  case q4_1 = "Q4_1"
  case q4_0 = "Q4_0"

  /// `general.file_type`.
  var fileType: UInt32 {
    switch self {
    case .f32: 0
    case .f16: 1
    case .q4_0: 2
    case .q4_1: 3
    case .q8_0: 7
    case .q4_K_M: 15
    case .q5_K_M: 17
    case .q6_K: 18
    case .bf16: 32
    }
  }

  package var isQuantized: Bool { ![.f32, .f16, .bf16].contains(self) }

  /// What most matrices are stored in.
  var blocks: GGMLBlocks {
    switch self {
    case .f32: .f32
    case .f16: .f16
    case .bf16: .bf16
    case .q8_0: .q8_0
    case .q6_K: .q6_K
    case .q5_K_M: .q5_K
    case .q4_K_M: .q4_K
    case .q4_1: .q4_1
    case .q4_0: .q4_0
    }
  }

  /// The format of one tensor, as llama.cpp's quantizer chooses it.
  ///
  /// - Parameters:
  ///   - name: Its name in the file, such as `blk.3.ffn_down.weight`.
  ///   - shape: Outermost dimension first.
  ///   - layers: Decoder layers of the model.
  ///   - experts: Of each layer; 0 for none.
  ///   - isHead: Whether logits come from it: the output, or the token table in its place.
  func blocks(
    of name: String, shape: [Int], layers: Int, experts: Int = 0, isHead: Bool
  ) -> GGMLBlocks {
    guard shape.count > 1, !Self.staysFloat32(name) else { return .f32 }
    guard isQuantized else { return blocks }
    let columns = shape[shape.count - 1]
    let blocks = isHead ? headBlocks(columns) : mixed(name, layers, experts)
    return Self.fitting(blocks, columns: columns)
  }

  private static func staysFloat32(_ name: String) -> Bool {
    name.hasSuffix("_norm.weight") || name.hasSuffix("ffn_gate_inp.weight")
      || name.hasPrefix("position_embd") || name.hasPrefix("rope_")
  }

  private func headBlocks(_ columns: Int) -> GGMLBlocks {
    self == .q8_0 || !columns.isMultiple(of: blocks.blockElements) ? .q8_0 : .q6_K
  }

  /// Values and the last product of the feed-forward network get more bits in the first and last layers
  /// and in every third between. Beside eight experts, attention is so small that it gets more too.
  private func mixed(_ name: String, _ layers: Int, _ experts: Int) -> GGMLBlocks {
    let parts = name.split(separator: ".")
    guard parts.count == 4, let layer = Int(parts[1]) else { return blocks }
    if experts == 8, parts[2] == "attn_k" || parts[2] == "attn_v" { return .q8_0 }
    if experts == 8, parts[2] == "attn_output", self == .q4_K_M { return .q5_K }
    guard self == .q4_K_M || self == .q5_K_M else { return blocks }
    let eighth = layers / 8
    let isImportant =
      layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2
    switch parts[2] {
    case "attn_v", "ffn_down", "ffn_down_exps": return isImportant ? .q6_K : blocks
    case "attn_qkv": return self == .q4_K_M ? .q5_K : .q6_K
    default: return blocks
    }
  }

  /// What a format becomes where a row is not whole blocks of it.
  static func fitting(_ blocks: GGMLBlocks, columns: Int) -> GGMLBlocks {
    if columns.isMultiple(of: blocks.blockElements) { return blocks }
    switch blocks {
    case .q4_K: return fitting(.q5_0, columns: columns)
    case .q5_K: return fitting(.q5_1, columns: columns)
    case .q6_K: return fitting(.q8_0, columns: columns)
    default: return .f16
    }
  }
}
