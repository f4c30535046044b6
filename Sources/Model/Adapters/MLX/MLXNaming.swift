package import Tensors

/// Names and shapes of a LoRA adapter as mlx-lm has them.
///
/// A layer computes `y += scale · (drop(x) a) b` with a [K, r] and b [r, N]: the transposed factors of PEFT's
/// A [r, K] and B [N, r], under the layer's name and `.lora_a`, `.lora_b`.
package enum MLXNaming {
  package static let tensorsName = "adapters.safetensors"
  package static let configName = "adapter_config.json"

  package static func a(_ module: String) -> String { module + ".lora_a" }
  package static func b(_ module: String) -> String { module + ".lora_b" }
  /// The magnitudes of DoRA.
  package static func magnitude(_ module: String) -> String { module + ".m" }

  /// What mlx-lm may call a module: mostly as Hugging Face does, in models with images behind a prefix, and
  /// with `model` where old families have `transformer` or `gpt_neox`.
  package static func names(of module: String) -> [String] {
    var names = [module, "language_model." + module]
    for prefix in ["transformer.", "gpt_neox."] where module.hasPrefix(prefix) {
      names.append("model." + module.dropFirst(prefix.count))
    }
    return names
  }

  /// A factor the other way around, as float32 in memory of its own: [n, m] of [m, n].
  package static func transposed(_ factor: Tensor) -> Tensor {
    let (rows, columns) = (factor.shape[0], factor.shape[1])
    let values = factor.toArray(Float.self)
    var turned = [Float](repeating: 0, count: values.count)
    for row in 0..<rows {
      for column in 0..<columns { turned[column * rows + row] = values[row * columns + column] }
    }
    return Tensor.from(turned, shape: [columns, rows], .float32)
  }
}
