import Tensors

/// How the tensors of a family are called and laid out in GGUF files.
package struct GGUFNaming: Sendable {
  /// `general.architecture`.
  package let architecture: String
  /// Modules outside layers, Hugging Face's to llama.cpp's.
  private let whole: [String: String]
  /// What stands before the number of a layer in Hugging Face's names.
  private let layers: String
  /// Modules inside a layer, Hugging Face's to llama.cpp's. A `*` stands for the number of an expert:
  /// llama.cpp has the weights of all experts of a layer in one tensor, one after the other.
  private let inLayer: [String: String]
  /// Modules inside a layer whose rows are in llama.cpp's order: the elements that a rotation pairs lie
  /// side by side instead of half a head apart.
  private let interleavedRows: Set<String>
  /// Modules inside a layer whose heads are all queries, all keys, all values, whatever order Hugging
  /// Face has them in.
  private let sequentialHeads: Set<String>
  /// Added to the weights of norms in the file: 1 where Hugging Face has them centred on zero.
  package let normWeightOffset: Float

  init(
    architecture: String, whole: [String: String] = GGUFNaming.llamaWhole,
    layers: String = "model.layers", inLayer: [String: String], interleavedRows: Set<String> = [],
    sequentialHeads: Set<String> = [], normWeightOffset: Float = 0
  ) {
    self.architecture = architecture
    self.whole = Self.llamaWhole.merging(whole) { _, own in own }
    self.layers = layers
    self.inLayer = inLayer
    self.interleavedRows = interleavedRows
    self.sequentialHeads = sequentialHeads
    self.normWeightOffset = normWeightOffset
  }

  static let llamaWhole = [
    "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
  ]

  /// Llama's and its nearest relatives'.
  static let llamaModules = [
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
  ]

  /// A mixture of experts in place of Llama's feed-forward network.
  ///
  /// - Parameter parts: What Hugging Face calls an expert's gate, up and down.
  static func withExperts(
    _ module: String, _ parts: (gate: String, up: String, down: String)
  ) -> [String: String] {
    llamaModules.merging([
      "\(module).gate": "ffn_gate_inp", "\(module).experts.*.\(parts.gate)": "ffn_gate_exps",
      "\(module).experts.*.\(parts.up)": "ffn_up_exps",
      "\(module).experts.*.\(parts.down)": "ffn_down_exps",
    ]) { _, own in own }
  }

  /// Those with four norms a layer.
  static let gemma2Modules = llamaModules.merging([
    "post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
  ]) { _, own in own }

  /// `model.layers.3.mlp.up_proj.weight` → `blk.3.ffn_up.weight`; nil for a name that GGUF files of the
  /// family do not have.
  package func gguf(_ name: String) -> String? {
    guard let dot = name.lastIndex(of: ".") else { return nil }
    let (module, part) = (String(name[..<dot]), name[dot...])
    if let whole = whole[module] { return whole + part }
    guard let (layer, inner) = split(module),
      let name = inLayer[inner] ?? inLayer[Self.anyExpert(inner)]
    else { return nil }
    return "blk.\(layer).\(name)\(part)"
  }

  /// `mlp.experts.3.up_proj` → `mlp.experts.*.up_proj`.
  private static func anyExpert(_ module: String) -> String {
    let parts = module.split(separator: ".")
    return parts.map { Int($0) == nil ? String($0) : "*" }.joined(separator: ".")
  }

  /// `model.layers.3.mlp.up_proj` → 3 and `mlp.up_proj`.
  private func split(_ module: String) -> (layer: Substring, module: String)? {
    guard module.hasPrefix(layers + ".") else { return nil }
    let parts = module.dropFirst(layers.count + 1).split(separator: ".", maxSplits: 1)
    return parts.count == 2 ? (parts[0], String(parts[1])) : nil
  }

  // MARK: - Rows

  /// Whether llama.cpp lays the elements that a rotation pairs side by side.
  package func interleavesRows(of site: Site) -> Bool {
    split(site.module).map { interleavedRows.contains($0.module) } ?? false
  }

  /// Where the rows of a weight or bias come from: row i of the file is row `order[i]` of Hugging Face's
  /// tensor. nil: the same order.
  package func rowOrder(of site: Site, in specification: ModelSpecification) -> [Int]? {
    guard let layer = site.layer, let (_, module) = split(site.module) else { return nil }
    let attention = specification.blocks[layer].attention
    let dimension = attention.shape.headDimension
    if interleavesRows(of: site) {
      return (0..<site.outputs).map { row in
        let (head, place) = (row / dimension, row % dimension)
        return head * dimension + place % 2 * (dimension / 2) + place / 2
      }
    }
    guard sequentialHeads.contains(module), case .fused(_, let heads) = attention.inputs else {
      return nil
    }
    let order = (heads.queries + heads.keys + heads.values).flatMap { head in
      (0..<dimension).map { Int(head) * dimension + $0 }
    }
    return order == Array(order.indices) ? nil : order
  }
}
