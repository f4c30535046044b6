package import Formats
package import Model
import Tensors

/// A LoRA adapter as mlx-lm loads it: `adapters.safetensors` and `adapter_config.json`.
///
/// mlx-lm computes y + scale · (x a) b with a [inputs, rank] and b [rank, outputs]: the transposes of
/// PEFT's. One rank and one scale hold for all modules; smaller ranks are filled up with zeros, which
/// change nothing, and another scale is multiplied into b.
package struct MLXAdapterWriter {
  package static let configName = "adapter_config.json"
  package static let tensorsName = "adapters.safetensors"

  private let modules: [(module: AdapterSet.Module, lora: LoRA)]
  private let layers: Int
  private let model: String

  /// - Parameters:
  ///   - configuration: Of the base model.
  ///   - model: The base's path or name, for mlx-lm's `--model`.
  ///   - path: The adapter's, for problems.
  /// - Throws: A `Problem` for an adapter that is not plain LoRA, or a model whose modules mlx-lm calls
  ///   otherwise.
  package init(
    _ adapters: AdapterSet, on configuration: ModelConfiguration, model: String, path: String
  ) throws(Problem) {
    modules = try adapters.plainLoRA(path, format: "MLX")
    layers = configuration.specification.blocks.count
    self.model = model
    let other = modules.first { !$0.module.site.module.hasPrefix("model.layers.") }
    if let other {
      throw Problem(
        path,
        "mlx-lm has other names for \"\(other.module.site.module)\"; merge the adapter into its base"
          + " (finetune merge) and convert that instead")
    }
  }

  private var rank: Int { modules.map(\.lora.rank).max() ?? 1 }

  /// The first module's, to which the others are brought.
  private var scale: Float { modules.map(\.lora.scale).first { $0 != 0 } ?? 1 }

  /// Writes a directory that must not exist yet, or be empty.
  package func write(to path: String) throws {
    let directory = try AtomicDirectory(path)
    let tensors = modules.flatMap { module, lora in
      [
        source("\(module.site.module).lora_a", lora.a.value.transposed(columns: rank)),
        source(
          "\(module.site.module).lora_b",
          lora.b.value.multiplied(by: lora.scale / scale).transposed(rows: rank)),
      ]
    }
    try SafetensorsWriter.write(
      "\(directory.path)/\(Self.tensorsName)", tensors: tensors, metadata: ["format": "mlx"])
    try writeFile(
      "\(directory.path)/\(Self.configName)",
      configuration.text(.indented, sortedKeys: true) + "\n")
    try directory.commit()
  }

  private var configuration: JSON {
    let keys = Set(modules.map { Self.nameInLayer($0.module.site.module) }).sorted()
    return [
      "fine_tune_type": "lora", "model": .string(model), "num_layers": .integer(layers),
      "lora_parameters": [
        "dropout": 0.0, "keys": .array(keys.map(JSON.string)), "rank": .integer(rank),
        "scale": .number(Double(scale)),
      ],
    ]
  }

  /// `model.layers.3.self_attn.q_proj` → `self_attn.q_proj`
  private static func nameInLayer(_ module: String) -> String {
    module.split(separator: ".").dropFirst(3).joined(separator: ".")
  }

  private func source(_ name: String, _ tensor: Tensor) -> SafetensorsWriter.Source {
    .init(name: name, dtype: tensor.dataType.rawValue, shape: tensor.shape) { emit in
      try tensor.withBytes { try emit($0) }
    }
  }
}

extension Tensor {
  /// The transpose of a matrix, filled up with zeros to so many rows or columns. For adapters.
  fileprivate func transposed(rows: Int? = nil, columns: Int? = nil) -> Tensor {
    let (height, width) = (shape[0], shape[1])
    let (rows, columns) = (rows ?? width, columns ?? height)
    let values = toArray(Float.self)
    var result = [Float](repeating: 0, count: rows * columns)
    for row in 0..<height {
      for column in 0..<width { result[column * columns + row] = values[row * width + column] }
    }
    return .from(result, shape: [rows, columns], .float32)
  }
}
