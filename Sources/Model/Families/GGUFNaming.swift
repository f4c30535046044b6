/// How the tensors of a family are called and laid out in GGUF files.
package struct GGUFNaming: Sendable {
  /// `general.architecture`.
  package let architecture: String
  /// Names inside a layer, Hugging Face's to llama.cpp's, both without `.weight`.
  package let inLayer: [String: String]
  /// Modules inside a layer whose rows are in llama.cpp's order: the elements that a rotation pairs lie
  /// side by side instead of half a head apart.
  package var interleavedRows: Set<String> = []

  private static let whole = [
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
  ]

  /// `model.layers.3.mlp.up_proj.weight` → `blk.3.ffn_up.weight`; nil for a name that GGUF files of the
  /// family do not have.
  func gguf(_ name: String) -> String? {
    if let whole = Self.whole[name] { return whole }
    guard let (layer, module) = Self.split(name), module.hasSuffix(".weight"),
      let inner = inLayer[String(module.dropLast(".weight".count))]
    else { return nil }
    return "blk.\(layer).\(inner).weight"
  }

  func interleavesRows(of module: String) -> Bool {
    Self.split(module).map { interleavedRows.contains($0.module) } ?? false
  }

  /// `model.layers.3.mlp.up_proj` → 3 and `mlp.up_proj`.
  private static func split(_ name: String) -> (layer: Substring, module: String)? {
    let parts = name.split(separator: ".", maxSplits: 3)
    guard parts.count == 4, parts[0] == "model", parts[1] == "layers" else { return nil }
    return (parts[2], String(parts[3]))
  }
}
