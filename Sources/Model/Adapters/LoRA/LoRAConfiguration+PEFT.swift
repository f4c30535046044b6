package import Formats

/// `adapter_config.json` as PEFT reads and writes it.
extension LoRAConfiguration {
  /// Keys that describe, or whose effect ends with training.
  private static let harmless: Set<String> = [
    "task_type", "auto_mapping", "peft_version", "revision", "inference_mode", "exclude_modules",
    "target_modules", "init_lora_weights", "layers_to_transform", "layers_pattern", "lora_dropout",
    "base_model_name_or_path", "peft_type", "r", "lora_alpha", "use_rslora", "rank_pattern",
    "alpha_pattern", "loftq_config", "eva_config", "corda_config", "lora_ga_config",
    "megatron_config", "megatron_core", "qalora_group_size", "ensure_weight_tying",
    "runtime_config", "fan_in_fan_out",
  ]

  /// Keys that must be absent, null, false, empty or have the given neutral value.
  private static let mustBeNeutral: [(key: String, neutral: JSON?)] = [
    ("use_dora", nil), ("modules_to_save", nil), ("bias", "none"),
    ("lora_bias", nil), ("trainable_token_indices", nil), ("layer_replication", nil),
    ("target_parameters", nil), ("use_qalora", nil), ("use_bdlora", nil), ("arrow_config", nil),
    ("alora_invocation_tokens", nil), ("velora_config", nil), ("monteclora_config", nil),
    ("kasa_config", nil),
  ]

  /// Ways to begin that take a part of the base weight into A and B and leave the rest in the base.
  private static let initializationsOfTheBase = ["pissa", "olora", "corda", "loftq", "lora_ga"]

  package static var peftKeys: Set<String> { harmless.union(mustBeNeutral.map(\.key)) }

  package init(peft json: JSON, path: String, dropout: Double) throws(Problem) {
    var problems: [String] = []
    for (key, neutral) in Self.mustBeNeutral {
      guard let value = json[key], !Self.isNeutral(value), value != neutral else { continue }
      problems.append("\(key) is \(value.text()), which is not supported")
    }
    /// A key's value; absent or null is PEFT's default, another type is a problem.
    func read<Value>(
      _ key: String, _ value: (JSON) -> Value?, or standard: Value, expected: String
    ) -> Value {
      guard let found = json[key], !found.isNull else { return standard }
      if let value = value(found) { return value }
      problems.append("\(key) is \(found.text()), expected \(expected)")
      return standard
    }
    let rank = read("r", \.integer, or: 8, expected: "a whole number")
    if rank < 1 { problems.append("r is \(rank), expected 1 or more") }
    if let kind = json["init_lora_weights"]?.string?.lowercased(),
      Self.initializationsOfTheBase.contains(where: { kind.hasPrefix($0) })
    {
      problems.append(
        "init_lora_weights is \"\(kind)\", which changes the base weights as well; convert the adapter"
          + " to plain LoRA")
    }
    self.init(
      rank: rank, alpha: read("lora_alpha", \.number, or: 8, expected: "a number"),
      dropout: dropout,
      useRSLoRA: read("use_rslora", \.bool, or: false, expected: "true or false"),
      targetModules: json["target_modules"]?.array?.compactMap(\.string) ?? [],
      baseModel: json["base_model_name_or_path"]?.string ?? "")
    rankPattern = ModulePattern(json["rank_pattern"])
    alphaPattern = ModulePattern(json["alpha_pattern"])
    for key in ["rank_pattern", "alpha_pattern"] {
      for (pattern, value) in json[key]?.object?.members ?? [] {
        if value.number == nil {
          problems.append("\(key) has \(value.text()) for \"\(pattern)\", expected a number")
        }
        if (try? Regex(pattern)) == nil {
          problems.append("\(key) has \"\(pattern)\", which is not a regular expression")
        }
      }
    }
    for entry in rankPattern.entries where !(entry.value >= 1 && Int(exactly: entry.value) != nil) {
      problems.append(
        "rank_pattern has \(entry.value) for \"\(entry.key)\", expected a whole number of 1 or more"
      )
    }
    guard problems.isEmpty else { throw Problem(heading: path, problems: problems) }
  }

  private static func isNeutral(_ value: JSON) -> Bool {
    switch value {
    case .null, .bool(false): true
    case .array(let elements): elements.isEmpty
    case .object(let object): object.isEmpty
    default: false
    }
  }

  /// Rank and alpha of every module stand in the module; what differs from the settings goes into the
  /// patterns under the module's full path.
  package func peftConfiguration(of modules: [AdapterSet.Module]) -> JSON {
    func pattern(_ value: (LoRA) -> Double, not standard: Double) -> JSON {
      .object(
        JSONObject(
          modules.compactMap { module in
            guard let lora = module.adapter as? LoRA, value(lora) != standard else { return nil }
            return (module.site.module, .wholeIfPossible(value(lora)))
          }))
    }
    return [
      "alpha_pattern": pattern(\.alpha, not: alpha),
      "auto_mapping": nil,
      "base_model_name_or_path": .string(baseModel),
      "bias": "none",
      // How GPT-2 stores weights; A and B have the same shapes for all.
      "fan_in_fan_out": .bool(modules.contains { $0.site.isStoredTransposed }),
      "inference_mode": true,
      "init_lora_weights": true,
      "layers_pattern": nil,
      "layers_to_transform": nil,
      "lora_alpha": .wholeIfPossible(alpha),
      "lora_dropout": .number(dropout),
      "modules_to_save": nil,
      "peft_type": .string(Self.peftType),
      "r": .integer(rank),
      "rank_pattern": pattern({ Double($0.rank) }, not: Double(rank)),
      "revision": nil,
      "target_modules": .array(targetModules.map(JSON.string)),
      "task_type": "CAUSAL_LM",
      "use_dora": false,
      "use_rslora": .bool(useRSLoRA),
    ]
  }
}

extension ModulePattern {
  init(_ json: JSON?) {
    entries = (json?.object?.members ?? []).compactMap { member in
      member.value.number.map { Entry(key: member.key, value: $0) }
    }
  }
}

extension JSON {
  /// 16 rather than 16.0: PEFT declares `lora_alpha` an integer.
  fileprivate static func wholeIfPossible(_ value: Double) -> JSON {
    Int(exactly: value).map(JSON.integer) ?? .number(value)
  }
}
