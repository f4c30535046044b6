/// Name and size of a linear layer, known from the configuration before any weight is read.
package struct LinearShape: Sendable, Equatable {
  /// Place among all linear layers of the model. It names the layer's random numbers, so it must not
  /// depend on which layers happen to get an adapter.
  package let index: Int
  /// The Hugging Face module path, e.g. `model.layers.0.self_attn.q_proj`.
  package let name: String
  package let outputs: Int
  package let inputs: Int

  package init(index: Int, name: String, outputs: Int, inputs: Int) {
    self.index = index
    self.name = name
    self.outputs = outputs
    self.inputs = inputs
  }
}

extension LlamaConfiguration {
  /// The linear layers of one decoder layer.
  struct LayerLinears {
    let query, key, value, output, gate, up, down: LinearShape

    var all: [LinearShape] { [query, key, value, output, gate, up, down] }
  }

  func linears(layer: Int) -> LayerLinears {
    let queries = headCount * headDimension
    let keys = kvHeadCount * headDimension
    var next = layer * 7
    func shape(_ part: String, _ outputs: Int, _ inputs: Int) -> LinearShape {
      defer { next += 1 }
      return LinearShape(
        index: next, name: "model.layers.\(layer).\(part)", outputs: outputs, inputs: inputs)
    }
    return LayerLinears(
      query: shape("self_attn.q_proj", queries, hiddenSize),
      key: shape("self_attn.k_proj", keys, hiddenSize),
      value: shape("self_attn.v_proj", keys, hiddenSize),
      output: shape("self_attn.o_proj", hiddenSize, queries),
      gate: shape("mlp.gate_proj", intermediateSize, hiddenSize),
      up: shape("mlp.up_proj", intermediateSize, hiddenSize),
      down: shape("mlp.down_proj", hiddenSize, intermediateSize))
  }

  /// Every linear layer but the output head, in the order of the forward pass: what
  /// `target_modules: "all-linear"` means.
  package var linears: [LinearShape] { (0..<layerCount).flatMap { linears(layer: $0).all } }
}
