package import Formats

/// What `adapter_config.json` says about a LoRA adapter, in PEFT's terms.
package struct LoRAConfiguration: Sendable, Equatable {
  /// Rank of A and B.
  package var rank: Int
  package var alpha: Double
  /// Probability that an input element of A is dropped in training.
  package var dropout: Double
  /// Rank-stabilized scaling, alpha / sqrt(r) (Kalajdzievski 2023, arXiv:2312.03732).
  package var useRSLoRA: Bool
  /// Module names or their endings, e.g. `q_proj`.
  package var targetModules: [String]
  package var baseModel: String

  package init(
    rank: Int, alpha: Double, dropout: Double = 0, useRSLoRA: Bool = false,
    targetModules: [String], baseModel: String
  ) {
    self.rank = rank
    self.alpha = alpha
    self.dropout = dropout
    self.useRSLoRA = useRSLoRA
    self.targetModules = targetModules
    self.baseModel = baseModel
  }

  /// The factor in front of B A x.
  package func scale(rank: Int, alpha: Double) -> Double {
    useRSLoRA ? alpha / Double(rank).squareRoot() : alpha / Double(rank)
  }

  /// PEFT's rule for a list: the module's path itself or an ending after a dot.
  package static func matches(_ module: String, _ target: String) -> Bool {
    module == target || module.hasSuffix("." + target)
  }

  /// The modules among `linears` that `targets` name; each target must name at least one.
  package static func resolve(
    targets: [String], among linears: [String], place: String
  ) throws(Problem) -> [String] {
    let endings = Set(linears.compactMap { $0.split(separator: ".").last.map(String.init) })
    let unmatched = targets.filter { target in !linears.contains { matches($0, target) } }
    guard unmatched.isEmpty else {
      let known = endings.sorted().joined(separator: ", ")
      throw Problem(
        heading: place,
        problems: unmatched.map {
          $0 == "lm_head" || $0 == "embed_tokens"
            ? "\"\($0)\" stays frozen; only linear layers inside the decoder take adapters: \(known)"
            : "\"\($0)\" names no linear layer of this model; it has \(known)"
        })
    }
    return linears.filter { module in targets.contains { matches(module, $0) } }
  }

  /// `adapter_config.json` as PEFT writes it.
  ///
  /// - Parameters:
  ///   - rankPattern: Modules whose rank is not `rank`.
  ///   - alphaPattern: Modules whose alpha is not `alpha`.
  func json(
    rankPattern: [(key: String, value: JSON)], alphaPattern: [(key: String, value: JSON)]
  ) -> JSON {
    [
      "alpha_pattern": .object(JSONObject(alphaPattern)),
      "auto_mapping": nil,
      "base_model_name_or_path": .string(baseModel),
      "bias": "none",
      "fan_in_fan_out": false,
      "inference_mode": true,
      "init_lora_weights": true,
      "layers_pattern": nil,
      "layers_to_transform": nil,
      "lora_alpha": .wholeIfPossible(alpha),
      "lora_dropout": .number(dropout),
      "modules_to_save": nil,
      "peft_type": "LORA",
      "r": .integer(rank),
      "rank_pattern": .object(JSONObject(rankPattern)),
      "revision": nil,
      "target_modules": .array(targetModules.map(JSON.string)),
      "task_type": "CAUSAL_LM",
      "use_dora": false,
      "use_rslora": .bool(useRSLoRA),
    ]
  }
}

extension LoRAAdapter {
  /// `adapter_config.json`. Rank and alpha of every module stand in the module; what differs from the
  /// configuration goes into PEFT's patterns under the module's full path.
  var json: JSON {
    configuration.json(
      rankPattern: modules.filter { $0.lora.rank != configuration.rank }
        .map { ($0.name, .integer($0.lora.rank)) },
      alphaPattern: modules.filter { $0.lora.alpha != configuration.alpha }
        .map { ($0.name, .wholeIfPossible($0.lora.alpha)) })
  }
}

extension JSON {
  /// 16 rather than 16.0: PEFT declares `lora_alpha` an integer.
  fileprivate static func wholeIfPossible(_ value: Double) -> JSON {
    Int(exactly: value).map(JSON.integer) ?? .number(value)
  }
}
