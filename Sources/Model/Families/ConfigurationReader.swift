import Formats

/// Reads keys of `config.json` and collects what is wrong with them. A key that is absent or null has
/// the default that transformers gives it in that family.
package struct ConfigurationReader {
  let json: JSON
  var problems: [String] = []

  init(_ json: JSON) { self.json = json }

  // MARK: - Values

  /// The value of a key; nil where it is absent or null.
  private func value(_ key: String) -> JSON? {
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
    let supported = Families.all.map { $0.architecture }.joined(separator: ", ")
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

  /// The activation must be one of `supported`, where it is named.
  mutating func requireActivation(_ key: String, _ supported: [String]) {
    guard let activation = value(key), !supported.contains(activation.string ?? "") else { return }
    problems.append(
      "\"\(key)\" is \(activation.text()), supported is \"\(supported[0])\"")
  }

  /// Options that change what any family computes and that the layers do not have.
  mutating func refuseOtherMathematics() {
    if let dropout = value("attention_dropout")?.number, dropout != 0 {
      problems.append(
        "\"attention_dropout\" is \(dropout), supported is 0; set it to 0 to train without it")
    }
    refuseOtherQuantization()
  }

  /// Ways to quantize that `Storage` reads.
  private static let quantizations = ["bitsandbytes", "gptq", "awq"]

  private mutating func refuseOtherQuantization() {
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

  // MARK: - Rotary position embedding

  /// `rope_theta` and `rope_scaling`, or both in `rope_parameters` as transformers 5 writes them; where
  /// both stand, `rope_scaling` counts.
  mutating func rotary(headDimension: Int, theta standard: Double) -> RotarySpecification {
    let scaling = value("rope_scaling").flatMap { $0.object?.members.isEmpty == false ? $0 : nil }
    let parameters = scaling ?? value("rope_parameters") ?? .null
    let nested = ConfigurationReader(parameters)
    var theta = positive("rope_theta", atMost: 1e15, default: standard)
    if nested.value("rope_theta") != nil {
      theta = rope(parameters, "rope_theta", atMost: 1e15) ?? theta
    }
    let fractions = [value("partial_rotary_factor"), nested.value("partial_rotary_factor")]
    if let fraction = fractions.compactMap({ $0?.number }).first, fraction != 1 {
      problems.append("\"partial_rotary_factor\" is \(fraction), supported is 1")
    }
    let kind = nested.value("rope_type")?.string ?? nested.value("type")?.string ?? "default"
    return RotarySpecification(
      headDimension: headDimension, theta: theta, scaling: self.scaling(kind, parameters))
  }

  private mutating func scaling(
    _ kind: String, _ parameters: JSON
  ) -> RotarySpecification.Scaling {
    switch kind {
    case "default": return .none
    case "linear": return .linear(factor: rope(parameters, "factor") ?? 1)
    case "llama3":
      let low = rope(parameters, "low_freq_factor") ?? 1
      let high = rope(parameters, "high_freq_factor") ?? 4
      if low >= high {
        problems.append(
          "\"low_freq_factor\" is \(low), expected less than high_freq_factor, \(high)")
      }
      return .llama3(
        factor: rope(parameters, "factor") ?? 1, lowFactor: low, highFactor: high,
        originalLength: Int(
          rope(parameters, "original_max_position_embeddings", atMost: 1e12) ?? 8192))
    default:
      problems.append(
        "the rope type is \"\(kind)\", supported are default, linear and llama3; choose another"
          + " model")
      return .none
    }
  }

  /// A positive number that must be among the rope parameters.
  private mutating func rope(_ parameters: JSON, _ key: String, atMost limit: Double = 1e6)
    -> Double?
  {
    guard let number = parameters[key]?.number, number > 0, number <= limit else {
      problems.append(
        "\"\(key)\" of the rope parameters is \(parameters[key]?.text() ?? "missing"), expected a"
          + " positive number")
      return nil
    }
    return number
  }
}
