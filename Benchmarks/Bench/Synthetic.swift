import ArgumentParser
import Formats
import Foundation
import Model
import Tensors

/// Writes a checkpoint of random weights in the shape of a Llama model, linear layers in NF4 as
/// bitsandbytes stores them, with the small tokenizer of the tests: something large to train on.
struct Synthetic: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes a random NF4 checkpoint in the shape of a Llama model.")

  enum Shape: String, ExpressibleByArgument, CaseIterable {
    /// SmolLM2 360M and TinyLlama 1.1B
    case small = "360m"
    case middle = "1b"
    /// Llama 2
    case sevenB = "7b"
    case thirteenB = "13b"

    /// hidden, feed-forward, layers, heads, key/value heads
    var sizes: (hidden: Int, feedForward: Int, layers: Int, heads: Int, kvHeads: Int) {
      switch self {
      case .small: (960, 2560, 32, 15, 5)
      case .middle: (2048, 5632, 22, 32, 4)
      case .sevenB: (4096, 11008, 32, 32, 32)
      case .thirteenB: (5120, 13824, 40, 40, 40)
      }
    }
  }

  @Option(help: "360m, 1b, 7b or 13b.") var shape: Shape
  @Option(help: "Directory to write; about half a byte a parameter.") var output: String
  @Option(help: "Directory that the tokenizer is copied from.")
  var tokenizer = "Tests/Golden/tiny-llama"

  func run() throws {
    Kernels.setThreads(Kernels.defaultThreads)
    try write()
    print(output)
  }

  func write() throws {
    let sizes = shape.sizes
    let config: JSON = [
      "architectures": ["LlamaForCausalLM"], "model_type": "llama",
      "hidden_size": .integer(sizes.hidden), "intermediate_size": .integer(sizes.feedForward),
      "num_hidden_layers": .integer(sizes.layers), "num_attention_heads": .integer(sizes.heads),
      "num_key_value_heads": .integer(sizes.kvHeads), "vocab_size": 32000, "rms_norm_eps": 1e-5,
      "rope_theta": 10000.0, "max_position_embeddings": 4096, "tie_word_embeddings": false,
      "hidden_act": "silu", "bos_token_id": 1, "eos_token_id": 2,
    ]
    let specification = try ModelConfiguration(config, path: output).specification
    try AtomicDirectory.write(output) { directory in
      var written = config
      written.set(
        "quantization_config",
        BitsAndBytesLayout.configuration(doubleQuantization: true, valueType: .bfloat16))
      try writeFile("\(directory)/config.json", written.text(.indented) + "\n")
      for name in ["tokenizer.json", "tokenizer_config.json"] {
        try writeFile("\(directory)/\(name)", bytes: try readFile("\(tokenizer)/\(name)"))
      }
      let groups = Self.groups(specification)
      let writer = try SafetensorsWriter(
        "\(directory)/model.safetensors", entries: groups.flatMap(\.entries))
      for group in groups { try group.bring { try writer.write($1, of: $0) } }
      try writer.finish()
    }
  }

  /// Every tensor, uniform and of the size that trained weights have.
  private static func groups(_ specification: ModelSpecification) -> [TensorGroup] {
    specification.sites.enumerated().map { index, site in
      func random() -> Tensor {
        let values = Tensor.zeros(site.shape)
        let range: Range<Float> = site.role == .norm ? 0.9..<1.1 : -0.035..<0.035
        Random.fillUniform(values, range, key: RandomKey(seed: 7, purpose: 98, a: UInt32(index)))
        return values
      }
      guard site.role == .linear else {
        return .rounded(site.name, shape: site.shape, to: .bfloat16) { random() }
      }
      let layout = BitsAndBytesLayout(site, doubleQuantization: true, valueType: .bfloat16)
      return layout.group {
        .nf4(
          Kernels.nf4Quantize(
            random(), outputs: site.outputs, inputs: site.inputs, doubleQuantization: true,
            valueType: .bfloat16))
      }
    }
  }
}
