import Formats
import Tensors

/// An adapter directory in PEFT's layout: `adapter_config.json` and `adapter_model.safetensors`.
package enum PEFTDirectory {
  package static let configName = "adapter_config.json"
  package static let tensorsName = "adapter_model.safetensors"
  /// Key in the safetensors metadata that tells which base an adapter was trained on.
  static let fingerprintKey = "base_fingerprint"

  // MARK: Writing

  /// Writes the two files into an existing directory; the caller makes that atomic.
  ///
  /// - Parameter baseFingerprint: Identifies the base; kept in the safetensors metadata, where PEFT
  ///   does not look.
  package static func write(
    _ adapter: LoRAAdapter, baseFingerprint: String, to directory: String
  ) throws {
    let tensors = adapter.parameters.map { parameter in
      SafetensorsWriter.Source(
        name: parameter.name, dtype: DataType.float32.rawValue, shape: parameter.value.shape
      ) { body in try parameter.value.withBytes(body) }
    }
    try SafetensorsWriter.write(
      "\(directory)/\(tensorsName)", tensors: tensors,
      metadata: ["format": "pt", fingerprintKey: baseFingerprint])
    let config = adapter.json.text(.indented, sortedKeys: true) + "\n"
    try writeFile("\(directory)/\(configName)", bytes: Array(config.utf8))
  }

  // MARK: Reading

  /// What a directory holds, checked against the model it goes on.
  package struct Loaded {
    package let adapter: LoRAAdapter
    /// Sentences a user should see, though the adapter can be used.
    package let warnings: [String]
  }

  /// - Parameters:
  ///   - linears: The base model's linear layers.
  ///   - baseFingerprint: Of the model's files; a different one in the adapter is a warning.
  ///   - dropout: Overrides what the configuration says; 0 where nothing is trained.
  package static func load(
    _ directory: String, linears: [LinearShape], baseFingerprint: String, dropout: Double = 0
  ) throws -> Loaded {
    let (configuration, patterns, unknown) = try PEFTConfigReader.read(
      "\(directory)/\(configName)", dropout: dropout)
    let path = "\(directory)/\(tensorsName)"
    let file = try SafetensorsFile(path)
    var reader = TensorReader(file: file, path: path)
    let modules = linears.compactMap { linear in
      reader.module(linear, configuration: configuration, patterns: patterns)
    }
    try reader.finish()
    var warnings = unknown.map { "\(directory)/\(configName): unknown key \"\($0)\" is ignored" }
    if let other = file.metadata[fingerprintKey], other != baseFingerprint {
      warnings.append(
        "\(directory): this adapter was trained on other base weights "
          + "(\(configuration.baseModel)); its shapes fit, its effect may not")
    }
    return Loaded(
      adapter: LoRAAdapter(configuration: configuration, modules: modules), warnings: warnings)
  }
}

/// Takes each module's A and B out of the file and collects everything that does not fit.
private struct TensorReader {
  let file: SafetensorsFile
  let path: String
  private var problems: [String] = []
  private var used: Set<String> = []

  init(file: SafetensorsFile, path: String) {
    self.file = file
    self.path = path
  }

  /// nil where the file has no adapter for this module, or one that does not fit.
  mutating func module(
    _ linear: LinearShape, configuration: LoRAConfiguration, patterns: ModulePatterns
  ) -> (name: String, lora: LoRA)? {
    let names = (
      a: LoRAAdapter.tensorName(linear.name, "lora_A"),
      b: LoRAAdapter.tensorName(linear.name, "lora_B")
    )
    let entries = (a: file.tensors[names.a], b: file.tensors[names.b])
    used.formUnion([names.a, names.b])
    guard let shapeA = entries.a?.shape, let shapeB = entries.b?.shape else {
      if entries.a != nil || entries.b != nil {
        problems.append("\(linear.name) has only one of lora_A and lora_B")
      }
      return nil
    }
    let rank = patterns.rank(of: linear.name) ?? configuration.rank
    check(names.a, shapeA, [rank, linear.inputs])
    check(names.b, shapeB, [linear.outputs, rank])
    guard let a = values(names.a), let b = values(names.b),
      shapeA == [rank, linear.inputs], shapeB == [linear.outputs, rank]
    else { return nil }
    let alpha = patterns.alpha(of: linear.name) ?? configuration.alpha
    let lora = LoRA(
      a: Parameter(name: names.a, value: a), b: Parameter(name: names.b, value: b),
      alpha: alpha, scale: Float(configuration.scale(rank: rank, alpha: alpha)),
      dropout: configuration.dropout, index: linear.index)
    return (linear.name, lora)
  }

  private mutating func check(_ name: String, _ found: [Int], _ expected: [Int]) {
    guard found != expected else { return }
    problems.append("\"\(name)\" is \(found), the base model and the rank imply \(expected)")
  }

  private mutating func values(_ name: String) -> Tensor? {
    do {
      return try file.float32(name)
    } catch {
      problems.append("\(error)")
      return nil
    }
  }

  /// Throws all that was found wrong.
  mutating func finish() throws(Problem) {
    let leftover = file.names.filter { !used.contains($0) }
    if let first = leftover.first {
      problems.append(
        leftover.count == 1
          ? "\"\(first)\" belongs to no linear layer of the base model"
          : "\(leftover.count) tensors, \"\(first)\" first, belong to no linear layer of the base model"
      )
    }
    if used.isDisjoint(with: file.names) {
      problems.append("it holds no LoRA tensor for this model")
    }
    guard problems.isEmpty else {
      let shown = problems.prefix(8) + (problems.count > 8 ? ["… \(problems.count - 8) more"] : [])
      throw Problem(
        heading: "\(path) cannot be used on this base model; use the one it was trained on",
        problems: Array(shown))
    }
  }
}
