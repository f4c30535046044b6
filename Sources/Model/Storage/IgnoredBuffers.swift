/// Tensors of old checkpoints that are not weights: what modules once kept beside them and make anew today.
/// Their element type does not matter (`F64`, `I64`, `BOOL`, …).
enum IgnoredBuffers {
  private static let endings = [
    ".rotary_emb.inv_freq", ".rotary_emb.cos_cached", ".rotary_emb.sin_cached", ".rope.freqs",
    ".attn.masked_bias", ".attention.masked_bias", ".position_ids",
  ]

  /// The triangle that GPT-2 and GPT-NeoX masked scores with; a bias of a layer is a vector.
  private static let masks = [".attn.bias", ".attention.bias"]

  static func contains(_ name: String, shape: [Int]) -> Bool {
    endings.contains { name.hasSuffix($0) }
      || shape.count == 4 && masks.contains { name.hasSuffix($0) }
  }
}
