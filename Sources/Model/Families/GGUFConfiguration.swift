import Foundation
package import Formats

extension ModelConfiguration {
  /// From the metadata of a GGUF file, brought into the form of `config.json` first.
  ///
  /// - Throws: One `Problem` with everything that is missing, out of bounds or of an unknown family.
  package init(_ file: GGUFFile) throws(Problem) {
    var keys = GGUFKeys(file)
    let json = keys.configuration()
    guard keys.problems.isEmpty else {
      throw keys.problems.count == 1
        ? Problem(file.path, keys.problems[0])
        : Problem(heading: file.path, problems: keys.problems)
    }
    try self.init(json, path: file.path)
  }
}

extension GGUFKeys {
  /// config.json as the family has it.
  fileprivate mutating func configuration() -> JSON {
    guard let family = Families.family(gguf: self) else {
      let supported = Set(Families.all.compactMap { $0.gguf?.architecture }).sorted()
      problems.append(
        "the architecture is \"\(architecture)\", supported are"
          + " \(supported.joined(separator: ", ")); choose a model of these families")
      return .null
    }
    var config: JSON = .object(
      JSONObject([
        ("architectures", [.string(family.architecture)]),
        ("model_type", .string(family.modelType)),
      ]))
    let own = family.configuration(gguf: &self)
    for (key, value) in (family.sharesLlamaKeys ? llamaKeys() : []) + own {
      config.set(key, value)
    }
    guard problems.isEmpty else { return .null }
    for (key, name) in [
      ("bos_token_id", "bos"), ("eos_token_id", "eos"), ("pad_token_id", "padding"),
    ] {
      config.set(key, token(name))
    }
    config.set("eos_token_id", endings())
    return config
  }

  /// What most families call alike.
  private mutating func llamaKeys() -> [(String, JSON?)] {
    let heads = integer("attention.head_count") ?? 1
    let dimension = headDimension()
    return [
      ("hidden_size", .integer(integer("embedding_length") ?? 1)),
      ("intermediate_size", .integer(integer("feed_forward_length") ?? 1)),
      ("num_hidden_layers", .integer(integer("block_count") ?? 1)),
      ("num_attention_heads", .integer(heads)),
      (
        "num_key_value_heads",
        .integer(integer("attention.head_count_kv", default: heads) ?? heads)
      ),
      ("head_dim", .integer(dimension)), ("vocab_size", .integer(vocabularySize())),
      ("max_position_embeddings", .integer(integer("context_length", default: 2048) ?? 2048)),
      ("rms_norm_eps", rmsEpsilon()), ("attention_bias", .bool(hasTensor("blk.0.attn_q.bias"))),
      ("mlp_bias", .bool(hasTensor("blk.0.ffn_up.bias"))),
      ("tie_word_embeddings", .bool(!hasTensor("output.weight"))),
      ("rope_theta", .number(number("rope.freq_base", default: 10000) ?? 10000)),
      ("rope_scaling", ropeScaling(dimension: dimension)),
    ]
  }

  /// Of root mean squares; a family with another norm reads its own.
  private mutating func rmsEpsilon() -> JSON? {
    guard value("attention.layer_norm_epsilon") == nil else { return nil }
    return .number(number("attention.layer_norm_rms_epsilon") ?? 1e-6)
  }

  mutating func vocabularySize() -> Int {
    let table = file.tensors["token_embd.weight"]?.shape.first
    return integer("vocab_size", default: table) ?? 1
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

  // MARK: - Rotary position embedding

  private mutating func ropeScaling(dimension: Int) -> JSON? {
    // What follows from a missing key is no problem of its own.
    guard problems.isEmpty else { return nil }
    let kind = value("rope.scaling.type")?.string ?? "none"
    let oldFactor = value("rope.scale_linear")?.number
    if hasTensor("rope_freqs.weight") { return llama3(dimension: dimension) }
    if hasTensor("rope_factors_long.weight") { return longRoPE() }
    switch kind {
    case "none":
      guard let oldFactor, oldFactor != 1 else { return nil }
      return ["rope_type": "linear", "factor": .number(oldFactor)]
    case "linear":
      let factor = number("rope.scaling.factor", default: oldFactor) ?? 1
      return ["rope_type": "linear", "factor": .number(factor)]
    case "yarn": return yarn()
    default:
      problems.append(
        "the rope scaling is \"\(kind)\", supported are none, linear and yarn; choose another model"
      )
      return nil
    }
  }

  private mutating func yarn() -> JSON {
    var scaling: JSON = [
      "rope_type": "yarn", "factor": .number(number("rope.scaling.factor") ?? 1),
      "original_max_position_embeddings": .integer(
        integer("rope.scaling.original_context_length") ?? 2048),
    ]
    for (key, name) in [("beta_fast", "yarn_beta_fast"), ("beta_slow", "yarn_beta_slow")]
    where value("rope.scaling.\(name)") != nil {
      scaling.set(key, number("rope.scaling.\(name)").map { .number($0) })
    }
    return scaling
  }

  private mutating func longRoPE() -> JSON? {
    guard let long = numbers(ofTensor: "rope_factors_long.weight"),
      let short = numbers(ofTensor: "rope_factors_short.weight")
    else {
      problems.append("\"rope_factors_long.weight\" and its short counterpart are not float32")
      return nil
    }
    var scaling: JSON = [
      "rope_type": "longrope", "long_factor": .array(long.map { .number($0) }),
      "short_factor": .array(short.map { .number($0) }),
    ]
    if value("rope.scaling.attn_factor") != nil {
      scaling.set("attention_factor", number("rope.scaling.attn_factor").map { .number($0) })
    }
    return scaling
  }

  /// Llama 3.1 comes as one divisor for each frequency. The constants behind them are the same in all
  /// published models but for the factor, which is the largest divisor; they are checked, not trusted.
  private mutating func llama3(dimension: Int) -> JSON? {
    guard let divisors = numbers(ofTensor: "rope_freqs.weight"),
      divisors.count == dimension / 2,
      let theta = number("rope.freq_base", default: 10000)
    else {
      problems.append("\"rope_freqs.weight\" is not one float32 for each frequency of a head")
      return nil
    }
    let factor = divisors.max() ?? 1
    for (index, divisor) in divisors.enumerated() {
      let frequency = Float(pow(theta, -2 * Double(index) / Double(dimension)))
      let scaled = RotarySpecification.llama3(
        frequency, factor: factor, low: 1, high: 4, length: 8192)
      let expected = Double(frequency / scaled)
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
