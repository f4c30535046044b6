package import Formats

/// `adapter`: what is trained.
package struct AdapterSection: RecipeSection {
  package static let help = "The low-rank matrices that are trained on top of the frozen base."
  package init() {}

  @Key(
    "Kind of adapter: LoRA (Hu et al. 2021, arXiv:2106.09685).",
    .elsewhere("peft_type", "finetuning_type"))
  package var type = AdapterType.lora

  @Key(
    "Rank r of the low-rank factors A [r, inputs] and B [outputs, r].", .in(1...4096),
    .elsewhere("r", "lora_r", "lora_rank"))
  package var rank = 8

  @Key(
    "Scale: the adapter adds (alpha / rank) · B A x; twice the rank is usual.",
    .above(0, upTo: 1e6), .elsewhere("lora_alpha"))
  package var alpha = 16.0

  @Key(
    "Share of the adapter's inputs that is dropped in training.", .in(0...0.99),
    .elsewhere("lora_dropout"))
  package var dropout = 0.0

  @Key(
    "Layers that get an adapter: \"all-linear\" (every linear layer but the output head) or a list "
      + "of names or name endings such as [\"q_proj\", \"v_proj\"].",
    .elsewhere("lora_target_modules", "lora_target", "lora_target_linear", "targets"))
  package var targetModules = TargetModules.allLinear

  @Key(
    "Scales by alpha / √rank instead of alpha / rank (rank-stabilized LoRA, arXiv:2312.03732).",
    .elsewhere("peft_use_rslora", "rslora"))
  package var useRslora = false

  @Key(
    "Adapter directory to train on from, with its rank_pattern and alpha_pattern and a fresh "
      + "optimizer; null starts with a new adapter.",
    .elsewhere("lora_model_dir", "adapter_name_or_path", "adapter_path"))
  package var initFrom: String? = nil
}

package enum AdapterType: String, RecipeChoice {
  case lora
}

/// Which linear layers get an adapter.
package enum TargetModules: RecipeValue, Sendable, Equatable {
  /// Every linear layer except the output head.
  case allLinear
  /// A layer whose full name is one of these, or ends with "." and one of these.
  case named([String])

  package static func expectation(_ bounds: String?) -> String {
    "\"all-linear\" or a list of layer names such as [\"q_proj\", \"v_proj\"]"
  }

  package static var schema: JSONObject {
    let names: JSON = [
      "type": "array", "minItems": 1, "uniqueItems": true,
      "items": ["type": "string", "minLength": 1],
    ]
    return JSONObject([("anyOf", .array([["const": "all-linear"], names]))])
  }

  package static func read(
    _ json: JSON, at place: String, expecting expectation: String, problems: inout [String]
  ) -> TargetModules? {
    if json.string == "all-linear" { return .allLinear }
    guard let elements = json.array else {
      let found = json.string.map { "\"\(shown($0))\"" } ?? json.kindName
      problems.append("\(place): found \(found), expected \(expectation)")
      return nil
    }
    let names = elements.compactMap(\.string)
    guard names.count == elements.count, !names.isEmpty, !names.contains("") else {
      let found = elements.isEmpty ? "an empty list" : "a list with entries that are not names"
      problems.append("\(place): found \(found), expected \(expectation)")
      return nil
    }
    for (index, name) in names.enumerated() where names[..<index].contains(name) {
      problems.append("\(place)[\(index)]: found \"\(name)\" twice, expected once; remove one")
      return nil
    }
    return .named(names)
  }

  package var json: JSON {
    switch self {
    case .allLinear: "all-linear"
    case .named(let names): .array(names.map(JSON.string))
    }
  }
}
