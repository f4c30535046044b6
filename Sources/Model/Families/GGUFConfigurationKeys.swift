import Foundation
package import Formats

extension ModelConfiguration {
  /// From the metadata of a GGUF file, brought into the form of `config.json` first.
  ///
  /// - Throws: One `Problem` with everything that is missing, out of bounds or of an unknown family.
  package init(_ file: GGUFFile) throws(Problem) {
    var keys = GGUFConfigurationKeys(file)
    let json = keys.json()
    guard keys.problems.isEmpty else {
      throw keys.problems.count == 1
        ? Problem(file.path, keys.problems[0])
        : Problem(heading: file.path, problems: keys.problems)
    }
    try self.init(json, path: file.path)
  }
}

/// Translates the keys of a GGUF file, such as `llama.block_count`, to those of `config.json`.
private struct GGUFConfigurationKeys {
  let file: GGUFFile
  /// What the keys of the model begin with.
  let architecture: String
  var problems: [String] = []

  init(_ file: GGUFFile) {
    self.file = file
    architecture = file.metadata["general.architecture"]?.string ?? "not named"
  }

  mutating func json() -> JSON {
    guard let family = Families.family(gguf: architecture) else {
      let supported = Families.all.compactMap { $0.gguf?.architecture }.map { "\"\($0)\"" }
      problems.append(
        "the architecture is \"\(architecture)\", supported is"
          + " \(supported.joined(separator: ", ")); choose a model of this family")
      return .null
    }
    refuseOtherMathematics()
    let heads = integer("attention.head_count") ?? 1
    let hidden = integer("embedding_length") ?? 1
    let vocabulary = file.tensors["token_embd.weight"]?.shape.first
    var config: JSON = .object(
      JSONObject([
        ("architectures", [.string(family.architecture)]),
        ("model_type", .string(family.modelType)),
        ("hidden_size", .integer(hidden)),
        ("intermediate_size", .integer(integer("feed_forward_length") ?? 1)),
        ("num_hidden_layers", .integer(integer("block_count") ?? 1)),
        ("num_attention_heads", .integer(heads)),
        (
          "num_key_value_heads",
          .integer(integer("attention.head_count_kv", default: heads) ?? heads)
        ),
        ("head_dim", .integer(headDimension(hidden: hidden, heads: heads))),
        (
          "vocab_size",
          .integer(integer("vocab_size", default: vocabulary) ?? 1)
        ),
        (
          "max_position_embeddings",
          .integer(integer("context_length", default: 2048) ?? 2048)
        ),
        ("rms_norm_eps", .number(number("attention.layer_norm_rms_epsilon") ?? 1e-6)),
        ("hidden_act", "silu"), ("attention_bias", false), ("mlp_bias", false),
        ("tie_word_embeddings", .bool(file.tensors["output.weight"] == nil)),
        ("rope_theta", .number(number("rope.freq_base", default: 10000) ?? 10000)),
      ]))
    guard problems.isEmpty else { return .null }
    config.set("rope_scaling", ropeScaling(config))
    for (key, name) in [
      ("bos_token_id", "bos"), ("eos_token_id", "eos"), ("pad_token_id", "padding"),
    ] {
      config.set(key, token(name))
    }
    config.set("eos_token_id", endings())
    return config
  }

  // MARK: - Values

  /// The name of a key of the model.
  private func full(_ key: String) -> String { "\(architecture).\(key)" }

  private func value(_ key: String) -> GGUFValue? { file.metadata[full(key)] }

  private mutating func integer(_ key: String, default standard: Int? = nil) -> Int? {
    guard let value = value(key) else {
      if standard == nil { problems.append("the key \"\(full(key))\" is missing") }
      return standard
    }
    if let list = value.integers, let first = list.first, list.allSatisfy({ $0 == first }) {
      return first
    }
    guard let integer = value.integer else {
      problems.append("\"\(full(key))\" is \(value), expected one whole number for all layers")
      return standard
    }
    return integer
  }

  private mutating func number(_ key: String, default standard: Double? = nil) -> Double? {
    guard let value = value(key) else {
      if standard == nil { problems.append("the key \"\(full(key))\" is missing") }
      return standard
    }
    guard let number = value.number else {
      problems.append("\"\(full(key))\" is \(value), expected a number")
      return standard
    }
    // A float32 widened to a Double shows digits that nobody wrote: 1e-5 as 9.999999747378752e-06.
    return Double(Float(number).description) ?? number
  }

  private func token(_ name: String) -> JSON? {
    file.metadata["tokenizer.ggml.\(name)_token_id"]?.integer.map { .integer($0) }
  }

  /// End of text and end of turn, where they differ.
  private func endings() -> JSON? {
    let tokens = [token("eos"), token("eot")].compactMap { $0 }
    if tokens.count == 2, tokens[0] != tokens[1] { return .array(tokens) }
    return tokens.first
  }

  private mutating func headDimension(hidden: Int, heads: Int) -> Int {
    let standard = hidden / max(heads, 1)
    let key = integer("attention.key_length", default: standard) ?? standard
    let value = integer("attention.value_length", default: key) ?? key
    let rotated = integer("rope.dimension_count", default: key) ?? key
    // What follows from a missing key is no problem of its own.
    if problems.isEmpty, value != key || rotated != key {
      problems.append(
        "key, value and rotated dimensions of a head are \(key), \(value) and \(rotated); they must"
          + " be equal")
    }
    return key
  }

  private mutating func refuseOtherMathematics() {
    if let experts = value("expert_count")?.integer, experts > 0 {
      problems.append("the model is a mixture of \(experts) experts, which is not supported")
    }
    for key in ["attention.scale", "logit_scale", "embedding_scale"]
    where value(key) != nil {
      problems.append(
        "the key \"\(full(key))\" changes what the layers compute and is not supported")
    }
  }

  // MARK: - Rotary position embedding

  private mutating func ropeScaling(_ config: JSON) -> JSON? {
    let kind = value("rope.scaling.type")?.string ?? "none"
    let oldFactor = value("rope.scale_linear")?.number
    if file.tensors["rope_freqs.weight"] != nil { return llama3(config) }
    switch kind {
    case "none":
      guard let oldFactor, oldFactor != 1 else { return nil }
      return ["rope_type": "linear", "factor": .number(oldFactor)]
    case "linear":
      let factor = number("rope.scaling.factor", default: oldFactor) ?? 1
      return ["rope_type": "linear", "factor": .number(factor)]
    default:
      problems.append(
        "the rope scaling is \"\(kind)\", supported are none and linear; choose another model")
      return nil
    }
  }

  /// Llama 3.1 comes as one divisor for each frequency. The constants behind them are the same in all
  /// published models but for the factor, which is the largest divisor; they are checked, not trusted.
  private mutating func llama3(_ config: JSON) -> JSON? {
    guard let entry = file.tensors["rope_freqs.weight"], entry.type == .f32,
      let dimension = config["head_dim"]?.integer, entry.shape == [dimension / 2],
      let theta = config["rope_theta"]?.number
    else {
      problems.append("\"rope_freqs.weight\" is not one float32 for each frequency of a head")
      return nil
    }
    let divisors = file.withBytes(of: "rope_freqs.weight") { bytes in
      (0..<dimension / 2).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
    let factor = Double(divisors.max() ?? 1)
    let scaling = RotarySpecification.Scaling.llama3(
      factor: factor, lowFactor: 1, highFactor: 4, originalLength: 8192)
    for (index, divisor) in divisors.enumerated() {
      let frequency = Float(pow(theta, -2 * Double(index) / Double(dimension)))
      let expected = frequency / scaling.scaled(frequency)
      guard abs(divisor - expected) <= 1e-3 * expected else {
        problems.append(
          "\"rope_freqs.weight\" is not the scaling of Llama 3.1; choose another model")
        return nil
      }
    }
    return [
      "rope_type": "llama3", "factor": .number(factor), "low_freq_factor": 1.0,
      "high_freq_factor": 4.0, "original_max_position_embeddings": 8192,
    ]
  }
}
