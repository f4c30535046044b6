import Formats

/// `quantization_config` of a GPTQ checkpoint (AutoGPTQ, GPTQModel, transformers).
struct GPTQSettings {
  /// How one module is quantized.
  struct Module: Equatable {
    /// 2, 3, 4 or 8
    var bits: Int
    /// Inputs that share a scale; nil: all of them.
    var groupSize: Int?
  }

  let standard: Module
  /// What is added to a stored zero point: the first version of the format stores them minus one.
  let zeroOffset: Int
  /// Exceptions, the first that fits counts.
  private let overrides: [(pattern: Regex<AnyRegexOutput>, module: Module)]

  init(_ json: JSON, path: String) throws(Problem) {
    func problem(_ sentence: String) -> Problem { Problem(path, "the GPTQ settings \(sentence)") }
    let named = json["checkpoint_format"]?.string ?? json["format"]?.string
    let format = (named ?? "gptq").lowercased()
    guard ["gptq", "gptq_v2"].contains(format), json["is_marlin_format"]?.bool != true else {
      throw problem(
        "name the format \"\(format == "gptq" ? "marlin" : format)\", supported are gptq and gptq_v2;"
          + " use a model in one of them")
    }
    if let word = json["pack_dtype"]?.string, word != "int32" {
      throw problem("pack codes into \(word), supported is int32; use another model")
    }
    zeroOffset = format == "gptq_v2" ? 0 : 1
    standard = try Self.module(json, or: nil, problem)
    var overrides: [(Regex<AnyRegexOutput>, Module)] = []
    for (key, value) in json["dynamic"]?.object?.members ?? [] {
      let pattern = key.hasPrefix("+:") || key.hasPrefix("-:") ? String(key.dropFirst(2)) : key
      guard let regex = try? Regex(pattern) else {
        throw problem("have \"\(pattern)\" in \"dynamic\", which is not a regular expression")
      }
      // A module that is left out has a plain weight, and its tensors say so.
      overrides.append((regex, try Self.module(value, or: standard, problem)))
    }
    self.overrides = overrides
  }

  private static func module(
    _ json: JSON, or standard: Module?, _ problem: (String) -> Problem
  ) throws(Problem) -> Module {
    let bits = json["bits"].map { $0.integer } ?? standard?.bits
    guard let bits, [2, 3, 4, 8].contains(bits) else {
      throw problem("say \(json["bits"]?.text() ?? "no") bits, expected 2, 3, 4 or 8")
    }
    guard let size = json["group_size"] else {
      guard let standard else { throw problem("lack \"group_size\"") }
      return Module(bits: bits, groupSize: standard.groupSize)
    }
    guard let number = size.integer, number == -1 || (1...1 << 30).contains(number) else {
      throw problem("say groups of \(size.text()), expected a size or -1 for all inputs")
    }
    return Module(bits: bits, groupSize: number == -1 ? nil : number)
  }

  /// How a module is quantized. Patterns fit from the start of its name, as Python's `re.match` has it.
  func module(_ name: String) -> Module {
    overrides.first { (try? $0.pattern.prefixMatch(in: name)) != nil }?.module ?? standard
  }
}
