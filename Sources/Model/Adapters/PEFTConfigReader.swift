import Formats

/// Reads `adapter_config.json`: takes what LoRA needs, refuses what would change the mathematics,
/// and names unknown keys instead of failing on them, as PEFT does.
enum PEFTConfigReader {
  /// Keys that describe, or whose effect ends with training.
  private static let harmless: Set<String> = [
    "task_type", "auto_mapping", "peft_version", "revision", "inference_mode", "exclude_modules",
    "target_modules", "init_lora_weights", "layers_to_transform", "layers_pattern", "lora_dropout",
    "base_model_name_or_path", "peft_type", "r", "lora_alpha", "use_rslora", "rank_pattern",
    "alpha_pattern", "loftq_config", "eva_config", "corda_config", "lora_ga_config",
    "megatron_config", "megatron_core", "qalora_group_size", "ensure_weight_tying",
    "runtime_config",
  ]

  /// Keys that must be absent, null, false, empty or have the given neutral value.
  private static let mustBeNeutral: [(key: String, neutral: JSON?)] = [
    ("use_dora", nil), ("fan_in_fan_out", nil), ("modules_to_save", nil), ("bias", "none"),
    ("lora_bias", nil), ("trainable_token_indices", nil), ("layer_replication", nil),
    ("target_parameters", nil), ("use_qalora", nil), ("use_bdlora", nil), ("arrow_config", nil),
    ("alora_invocation_tokens", nil), ("velora_config", nil), ("monteclora_config", nil),
    ("kasa_config", nil),
  ]

  static func read(
    _ path: String, dropout: Double
  ) throws -> (LoRAConfiguration, ModulePatterns, unknownKeys: [String]) {
    let json = try readJSON(path)
    guard let object = json.object else {
      throw Problem(path, "found \(json.kindName), expected an object")
    }
    guard let kind = json["peft_type"]?.string else {
      throw Problem(path, "\"peft_type\" is missing; this is not a PEFT adapter")
    }
    guard kind == "LORA" else {
      throw Problem(path, "peft_type is \"\(kind)\"; only LORA adapters are supported")
    }
    var problems: [String] = []
    for (key, neutral) in mustBeNeutral {
      guard let value = json[key], !isNeutral(value), value != neutral else { continue }
      problems.append("\(key) is \(value.text()), which is not supported")
    }
    let rank = json["r"]?.integer ?? 8
    let alpha = json["lora_alpha"]?.number ?? 8
    if rank < 1 { problems.append("r is \(rank), expected 1 or more") }
    let patterns = ModulePatterns(
      ranks: numbers(json["rank_pattern"]), alphas: numbers(json["alpha_pattern"]))
    guard problems.isEmpty else { throw Problem(heading: path, problems: problems) }
    let configuration = LoRAConfiguration(
      rank: rank, alpha: alpha, dropout: dropout, useRSLoRA: json["use_rslora"]?.bool ?? false,
      targetModules: json["target_modules"]?.array?.compactMap(\.string) ?? [],
      baseModel: json["base_model_name_or_path"]?.string ?? "")
    let known = harmless.union(mustBeNeutral.map(\.key))
    return (configuration, patterns, object.keys.filter { !known.contains($0) })
  }

  private static func isNeutral(_ value: JSON) -> Bool {
    switch value {
    case .null, .bool(false): true
    case .array(let elements): elements.isEmpty
    case .object(let object): object.isEmpty
    default: false
    }
  }

  private static func numbers(_ json: JSON?) -> [(pattern: String, value: Double)] {
    (json?.object?.members ?? []).compactMap { member in
      member.value.number.map { (member.key, $0) }
    }
  }
}

/// PEFT's `rank_pattern` and `alpha_pattern`: module-wise exceptions. A key is a module path, an
/// ending after a dot, or a regular expression matched as `(.*\.)?(key)$`; the first match wins.
struct ModulePatterns {
  let ranks: [(pattern: String, value: Double)]
  let alphas: [(pattern: String, value: Double)]

  func rank(of module: String) -> Int? { Self.first(ranks, module).flatMap { Int(exactly: $0) } }
  func alpha(of module: String) -> Double? { Self.first(alphas, module) }

  private static func first(
    _ patterns: [(pattern: String, value: Double)], _ module: String
  ) -> Double? {
    patterns.first { entry in
      if LoRAConfiguration.matches(module, entry.pattern) { return true }
      guard let regex = try? Regex("(.*\\.)?(\(entry.pattern))") else { return false }
      return (try? regex.wholeMatch(in: module)) != nil
    }?.value
  }
}
