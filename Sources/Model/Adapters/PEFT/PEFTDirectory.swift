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
    _ adapters: AdapterSet, baseFingerprint: String, to directory: String
  ) throws {
    let tensors = adapters.parameters.map { parameter in
      SafetensorsWriter.Source(
        name: parameter.name, dtype: DataType.float32.rawValue, shape: parameter.value.shape
      ) { body in try parameter.value.withBytes(body) }
    }
    try SafetensorsWriter.write(
      "\(directory)/\(tensorsName)", tensors: tensors,
      metadata: ["format": "pt", fingerprintKey: baseFingerprint])
    let config = adapters.method.peftConfiguration(of: adapters.modules)
    try writeFile(
      "\(directory)/\(configName)", config.text(.indented, sortedKeys: true) + "\n")
  }

  // MARK: Reading

  /// What a directory holds, checked against the model it goes on.
  package struct Loaded {
    package let adapters: AdapterSet
    /// Sentences a user should see, though the adapter can be used.
    package let warnings: [String]
  }

  /// - Parameters:
  ///   - linears: The base model's linear layers.
  ///   - baseFingerprint: Of the model's files; a different one in the adapter is a warning.
  ///   - dropout: Overrides what the configuration says; 0 where nothing is trained.
  package static func load(
    _ directory: String, linears: [Site], baseFingerprint: String, dropout: Double = 0
  ) throws -> Loaded {
    let configPath = "\(directory)/\(configName)"
    let (method, unknown) = try method(configPath, dropout: dropout)
    let path = "\(directory)/\(tensorsName)"
    let file = try SafetensorsFile(path)
    var tensors = AdapterTensors(file)
    let modules = linears.compactMap { site in
      method.read(site, from: &tensors).map { AdapterSet.Module(site: site, adapter: $0) }
    }
    try tensors.finish()
    var warnings = unknown.map { "\(configPath): unknown key \"\($0)\" is ignored" }
    if let other = file.metadata[fingerprintKey], other != baseFingerprint {
      warnings.append(
        "\(directory): this adapter was trained on other base weights "
          + "(\(method.baseModel)); its shapes fit, its effect may not")
    }
    return Loaded(adapters: AdapterSet(method: method, modules: modules), warnings: warnings)
  }

  /// The method that a configuration names, and the keys that it does not know.
  private static func method(
    _ path: String, dropout: Double
  ) throws(Problem) -> (any AdapterMethod, unknownKeys: [String]) {
    let json = try readJSON(path)
    guard let object = json.object else {
      throw Problem(path, "found \(json.kindName), expected an object")
    }
    guard let kind = json["peft_type"]?.string else {
      throw Problem(path, "\"peft_type\" is missing; this is not a PEFT adapter")
    }
    guard let type = AdapterMethods.all.first(where: { $0.peftType == kind }) else {
      let known = AdapterMethods.all.map { $0.peftType }.joined(separator: ", ")
      throw Problem(path, "peft_type is \"\(kind)\"; supported are \(known)")
    }
    let method = try type.init(peft: json, path: path, dropout: dropout)
    return (method, object.keys.filter { !type.peftKeys.contains($0) })
  }
}
