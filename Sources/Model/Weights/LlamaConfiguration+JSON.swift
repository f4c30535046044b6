package import Formats

extension LlamaConfiguration {
  /// From a parsed `config.json`.
  ///
  /// - Parameters:
  ///   - json: The contents of the file.
  ///   - generation: The contents of `generation_config.json`, for its end-of-text tokens.
  ///   - path: Names the file in problems.
  /// - Throws: One `Problem` with everything that is missing, out of bounds or another architecture.
  package init(_ json: JSON, generation: JSON? = nil, path: String) throws(Problem) {
    var reader = ConfigurationReader(json)
    reader.requireLlama()
    hiddenSize = reader.size("hidden_size", atMost: 1 << 20)
    intermediateSize = reader.size("intermediate_size", atMost: 1 << 24)
    layerCount = reader.size("num_hidden_layers", atMost: 1 << 12)
    headCount = reader.size("num_attention_heads", atMost: 1 << 14)
    kvHeadCount = reader.size("num_key_value_heads", atMost: 1 << 14, default: headCount)
    headDimension = reader.size(
      "head_dim", atMost: 1 << 14, default: hiddenSize / max(headCount, 1))
    vocabularySize = reader.size("vocab_size", atMost: 1 << 24)
    maxPositionEmbeddings = reader.size("max_position_embeddings", atMost: 1 << 40, default: 2048)
    rmsNormEpsilon = reader.positive("rms_norm_eps", atMost: 1, default: 1e-6)
    (ropeTheta, ropeScaling) = reader.rope()
    tieWordEmbeddings = reader.bool("tie_word_embeddings", default: false)
    bosTokenID = reader.token("bos_token_id")
    var endings = reader.tokens("eos_token_id", of: json)
    for id in reader.tokens("eos_token_id", of: generation ?? .null) where !endings.contains(id) {
      endings.append(id)
    }
    eosTokenIDs = endings
    self.json = json
    reader.checkHeads(headCount, kvHeadCount, headDimension)
    reader.refuseOtherMathematics(maxPositions: maxPositionEmbeddings)
    guard reader.problems.isEmpty else {
      throw reader.problems.count == 1
        ? Problem(path, reader.problems[0])
        : Problem(heading: path, problems: reader.problems)
    }
  }
}

/// Reads keys of `config.json` and collects what is wrong with them.
private struct ConfigurationReader {
  let json: JSON
  var problems: [String] = []

  init(_ json: JSON) { self.json = json }

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

  mutating func positive(_ key: String, atMost limit: Double, default standard: Double) -> Double {
    guard let value = value(key) else { return standard }
    guard let number = value.number, number > 0, number <= limit else {
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

  mutating func token(_ key: String) -> Int? { tokens(key, of: json).first }

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

  // MARK: - What the model must be

  mutating func requireLlama() {
    guard json.object != nil else {
      problems.append("found \(json.kindName), expected an object with a model's configuration")
      return
    }
    let supported = ["llama": "LlamaForCausalLM", "mistral": "MistralForCausalLM"]
    let kind = value("model_type")?.string
    let architecture = value("architectures")?.array?.first?.string
    let fits =
      if let kind {
        supported[kind] != nil && (architecture == nil || architecture == supported[kind])
      } else {
        architecture.map { supported.values.contains($0) } ?? false
      }
    guard !fits else { return }
    let found = [architecture, kind].compactMap { $0 }.first ?? "not named"
    problems.append(
      "the architecture is \(found) (model_type \"\(kind ?? "")\"), supported are"
        + " LlamaForCausalLM and MistralForCausalLM; choose a model of these families")
  }

  mutating func checkHeads(_ heads: Int, _ kvHeads: Int, _ dimension: Int) {
    if !heads.isMultiple(of: kvHeads) {
      problems.append(
        "\"num_attention_heads\" is \(heads), expected a multiple of \"num_key_value_heads\","
          + " \(kvHeads)")
    }
    if !dimension.isMultiple(of: 2) || dimension == 0 {
      problems.append("the head dimension is \(dimension), expected an even number of 2 or more")
    }
  }

  /// Options of the family that change what the layers compute and that these layers do not have.
  mutating func refuseOtherMathematics(maxPositions: Int) {
    for key in ["attention_bias", "mlp_bias"] where bool(key, default: false) {
      problems.append("\"\(key)\" is true: linear layers with a bias are not supported")
    }
    if let activation = value("hidden_act"), !["silu", "swish"].contains(activation.string ?? "") {
      problems.append("\"hidden_act\" is \(activation.text()), supported is \"silu\"")
    }
    if let dropout = value("attention_dropout")?.number, dropout != 0 {
      problems.append(
        "\"attention_dropout\" is \(dropout), supported is 0; set it to 0 to train without it")
    }
    if let window = value("sliding_window")?.integer, window < maxPositions,
      value("use_sliding_window")?.bool ?? true
    {
      problems.append(
        "\"sliding_window\" is \(window): attention windows are not supported; for texts up to"
          + " \(window) tokens set it to null and \"max_position_embeddings\" to \(window)")
    }
    if let method = value("quantization_config")?["quant_method"]?.string, method != "bitsandbytes"
    {
      problems.append(
        "the weights are quantized with \"\(method)\", supported is bitsandbytes NF4; use the"
          + " unquantized model")
    }
  }

  // MARK: - Rotary position embedding

  /// `rope_theta` and `rope_scaling`, or both in `rope_parameters` as transformers 5 writes them.
  mutating func rope() -> (Double, LlamaConfiguration.RopeScaling) {
    let parameters = value("rope_parameters") ?? value("rope_scaling") ?? .null
    let nested = ConfigurationReader(parameters)
    var theta = positive("rope_theta", atMost: 1e15, default: 10000)
    if nested.value("rope_theta") != nil {
      theta = rope(parameters, "rope_theta", atMost: 1e15) ?? theta
    }
    let fractions = [value("partial_rotary_factor"), nested.value("partial_rotary_factor")]
    if let fraction = fractions.compactMap({ $0?.number }).first, fraction != 1 {
      problems.append("\"partial_rotary_factor\" is \(fraction), supported is 1")
    }
    let kind = nested.value("rope_type")?.string ?? nested.value("type")?.string ?? "default"
    return (theta, scaling(kind, parameters))
  }

  private mutating func scaling(
    _ kind: String, _ parameters: JSON
  ) -> LlamaConfiguration.RopeScaling {
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
