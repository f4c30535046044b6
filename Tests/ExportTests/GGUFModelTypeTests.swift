import Tensors
import Testing

@testable import Export

@Suite struct GGUFModelTypeTests {
  static func blocks(
    _ type: GGUFModelType, _ name: String, _ shape: [Int], experts: Int = 0, isHead: Bool = false
  ) -> GGMLBlocks {
    type.blocks(of: name, shape: shape, layers: 32, experts: experts, isHead: isHead)
  }

  @Test(arguments: GGUFModelType.allCases) func keepsVectorsInFloat32(type: GGUFModelType) {
    #expect(Self.blocks(type, "blk.0.attn_q.bias", [512]) == .f32)
    #expect(Self.blocks(type, "blk.0.attn_norm.weight", [512]) == .f32)
    #expect(Self.blocks(type, "position_embd.weight", [64, 512]) == .f32)
    #expect(Self.blocks(type, "blk.0.ffn_gate_inp.weight", [8, 512]) == .f32)
  }

  /// The layers that llama.cpp's quantizer gives more bits: an eighth at each end, every third between.
  @Test func mixesAsTheQuantizerDoes() {
    let important = (0..<32).filter {
      Self.blocks(.q4_K_M, "blk.\($0).ffn_down.weight", [512, 1024]) == .q6_K
    }
    #expect(important == [0, 1, 2, 3, 6, 9, 12, 15, 18, 21, 24, 27, 28, 29, 30, 31])
    #expect(Self.blocks(.q4_K_M, "blk.4.attn_v.weight", [512, 512]) == .q4_K)
    #expect(Self.blocks(.q4_K_M, "blk.6.attn_v.weight", [512, 512]) == .q6_K)
    #expect(Self.blocks(.q5_K_M, "blk.4.attn_v.weight", [512, 512]) == .q5_K)
    #expect(Self.blocks(.q4_K_M, "blk.0.ffn_gate.weight", [512, 512]) == .q4_K)
    #expect(Self.blocks(.q4_K_M, "blk.0.attn_qkv.weight", [512, 512]) == .q5_K)
    #expect(Self.blocks(.q5_K_M, "blk.0.attn_qkv.weight", [512, 512]) == .q6_K)
    #expect(Self.blocks(.q4_K_M, "token_embd.weight", [512, 512]) == .q4_K)
    #expect(Self.blocks(.q4_K_M, "token_embd.weight", [512, 512], isHead: true) == .q6_K)
    #expect(Self.blocks(.q4_0, "output.weight", [512, 512], isHead: true) == .q6_K)
    #expect(Self.blocks(.q8_0, "output.weight", [512, 512], isHead: true) == .q8_0)
    #expect(Self.blocks(.q8_0, "blk.0.ffn_down.weight", [512, 512]) == .q8_0)
  }

  /// Beside eight experts attention costs little.
  @Test func givesAttentionMoreBesideEightExperts() {
    func blocks(_ type: GGUFModelType, _ part: String, _ experts: Int = 8) -> GGMLBlocks {
      Self.blocks(type, "blk.4.\(part).weight", [512, 512], experts: experts)
    }
    #expect(blocks(.q4_0, "attn_k") == .q8_0 && blocks(.q4_K_M, "attn_v") == .q8_0)
    #expect(blocks(.q4_K_M, "attn_output") == .q5_K && blocks(.q5_K_M, "attn_output") == .q5_K)
    #expect(blocks(.q4_0, "attn_q") == .q4_0 && blocks(.f16, "attn_k") == .f16)
    #expect(blocks(.q4_K_M, "attn_k", 16) == .q4_K)
  }

  /// Rows of 576 elements are blocks of 32, not of 256; rows of 24 are neither.
  @Test func fallsBackWhereRowsAreNoWholeBlocks() {
    #expect(Self.blocks(.q4_K_M, "blk.8.ffn_up.weight", [512, 576]) == .q5_0)
    #expect(Self.blocks(.q5_K_M, "blk.8.ffn_up.weight", [512, 576]) == .q5_1)
    #expect(Self.blocks(.q6_K, "blk.8.ffn_up.weight", [512, 576]) == .q8_0)
    #expect(Self.blocks(.q4_K_M, "token_embd.weight", [512, 576], isHead: true) == .q8_0)
    #expect(Self.blocks(.q4_K_M, "blk.8.ffn_up.weight", [512, 24]) == .f16)
    #expect(Self.blocks(.q8_0, "blk.8.ffn_up.weight", [512, 24]) == .f16)
    #expect(Self.blocks(.q4_0, "blk.8.ffn_up.weight", [512, 576]) == .q4_0)
  }
}
