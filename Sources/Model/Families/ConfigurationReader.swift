import Formats
import Tensors

/// Reads keys of `config.json` and collects what is wrong with them. A key that is absent or null has
/// the default that transformers gives it in that family.
package struct ConfigurationReader {
  let json: JSON
  var problems: [String] = []
  /// The longest text that the model was made for, in tokens; set by its layout.
  var positions = 2048

  init(_ json: JSON) { self.json = json }

  // MARK: - Values

  /// The value of a key; nil where it is absent or null.
  func value(_ key: String) -> JSON? {
    guard let value = json[key], !value.isNull else { return nil }
    return value
  }

  mutating func size(_ key: String, atMost limit: Int, default standard: Int? = nil) -> Int {
    guard let value = value(key) else {
      if let standard { return standard }
      problems.append("\"\(key)\" is missing; the file must be a model's config.json")
      return 1
    }
    guard let size = value.integer, (1...limit).contains(size) else {
      problems.append("\"\(key)\" is \(value.text()), expected a whole number from 1 to \(limit)")
      return 1
    }
    return size
  }

  /// A whole number that may be zero.
  mutating func count(_ key: String, default standard: Int) -> Int {
    guard let value = value(key) else { return standard }
    guard let count = value.integer, (0...1 << 40).contains(count) else {
      problems.append("\"\(key)\" is \(value.text()), expected a whole number of 0 or more")
      return standard
    }
    return count
  }

  /// A size, or null for none; absent is the default.
  mutating func optionalSize(_ key: String, default standard: Int?) -> Int? {
    guard let value = json[key] else { return standard }
    return value.isNull ? nil : size(key, atMost: 1 << 40)
  }

  /// A positive number, or null for none; absent is the default.
  mutating func optionalPositive(_ key: String, default standard: Double?) -> Float? {
    guard let value = json[key] else { return standard.map(Float.init) }
    return value.isNull ? nil : Float(positive(key, atMost: 1e6, default: standard ?? 1))
  }

  mutating func positive(_ key: String, atMost limit: Double, default standard: Double) -> Double {
    guard let value = value(key) else { return standard }
    // Smaller ones are zero or infinite in float32 before long.
    guard let number = value.number, number >= 1e-30, number <= limit else {
      problems.append("\"\(key)\" is \(value.text()), expected a positive number up to \(limit)")
      return standard
    }
    return number
  }

  mutating func bool(_ key: String, default standard: Bool) -> Bool {
    guard let value = value(key) else { return standard }
    guard let bool = value.bool else {
      problems.append("\"\(key)\" is \(value.text()), expected true or false")
      return standard
    }
    return bool
  }

  /// One token id or a list of them.
  mutating func tokens(_ key: String, of json: JSON) -> [Int] {
    guard let value = json[key], !value.isNull else { return [] }
    let elements = value.array ?? [value]
    let ids = elements.compactMap(\.integer).filter { $0 >= 0 }
    if ids.count != elements.count {
      problems.append("\"\(key)\" is \(value.text()), expected a token id or a list of them")
    }
    return ids
  }

  /// Which layers see a window, as `layer_types` lists them; nil where it does not.
  mutating func slidingLayers() -> ((_ layer: Int) -> Bool)? {
    guard let value = value("layer_types") else { return nil }
    let types = (value.array ?? []).map { $0.string }
    let layers = self.value("num_hidden_layers")?.integer ?? 0
    let known: Set<String?> = ["full_attention", "sliding_attention"]
    guard types.count == layers, types.allSatisfy({ known.contains($0) }) else {
      problems.append(
        "\"layer_types\" is not one of full_attention and sliding_attention for each of the"
          + " \(layers) layers")
      return nil
    }
    return { types[$0] == "sliding_attention" }
  }

  // MARK: - What the model must be

  /// The family that the configuration names.
  mutating func family() -> (any Family.Type)? {
    guard json.object != nil else {
      problems.append("found \(json.kindName), expected an object with a model's configuration")
      return nil
    }
    let kind = value("model_type")?.string
    let architecture = value("architectures")?.array?.first?.string
    if let family = Families.family(modelType: kind, architecture: architecture) { return family }
    let found = [architecture, kind].compactMap { $0 }.first ?? "not named"
    let supported = Families.all.flatMap { $0.architectures }.joined(separator: ", ")
    problems.append(
      "the architecture is \(found) (model_type \"\(kind ?? "")\"), supported are \(supported);"
        + " choose a model of these families")
    return nil
  }

  /// Whether heads of these numbers and sizes can exist.
  mutating func checkHeads(_ heads: Int, _ kvHeads: Int, _ dimension: Int) -> Bool {
    let known = problems.count
    if !heads.isMultiple(of: kvHeads) {
      problems.append(
        "\"num_attention_heads\" is \(heads), expected a multiple of \"num_key_value_heads\","
          + " \(kvHeads)")
    }
    if !dimension.isMultiple(of: 2) || dimension == 0 {
      problems.append("the head dimension is \(dimension), expected an even number of 2 or more")
    }
    return problems.count == known
  }

  /// The activation that a key names by one of transformers' names.
  mutating func activation(_ key: String, default standard: Activation) -> Activation {
    guard let value = value(key) else { return standard }
    guard let activation = value.string.flatMap({ Self.activations[$0] }) else {
      let known = Self.activations.keys.sorted().joined(separator: ", ")
      problems.append("\"\(key)\" is \(value.text()), supported are \(known)")
      return standard
    }
    return activation
  }

  private static let activations: [String: Activation] = [
    "silu": .silu, "swish": .silu, "gelu": .gelu, "gelu_new": .geluTanh, "gelu_fast": .geluTanh,
    "gelu_pytorch_tanh": .geluTanh, "quick_gelu": .geluQuick, "relu": .relu,
    "relu2": .reluSquared,
  ]

  /// A key that would change what the layers compute must be absent, null or have this value.
  mutating func require(_ key: String, _ wanted: JSON) {
    guard let value = value(key), value != wanted else { return }
    problems.append("\"\(key)\" is \(value.text()), supported is \(wanted.text())")
  }

  /// Ways to quantize that `Storage` reads.
  private static let quantizations = ["bitsandbytes", "gptq", "awq"]

  /// Weights must be stored in a way that is read.
  mutating func refuseOtherQuantization() {
    guard let quantization = value("quantization_config") else { return }
    let method = quantization["quant_method"]?.string
    let flags = ["load_in_4bit", "load_in_8bit", "_load_in_4bit", "_load_in_8bit"]
    // The first versions of transformers did not name the only method that there was.
    let isUnnamed = method == nil && flags.contains { quantization[$0]?.bool == true }
    guard !isUnnamed, !Self.quantizations.contains(method ?? "") else { return }
    let looksLikeMLX = method == nil && quantization["group_size"] != nil
    let found = method ?? (looksLikeMLX ? "mlx" : "an unknown method")
    problems.append(
      "the weights are quantized with \"\(found)\", supported are bitsandbytes (NF4 and INT8), gptq"
        + " and awq; use the unquantized model")
  }
}
