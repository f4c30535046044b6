import Formats
import Tensors

/// `quantization_config` of an AWQ checkpoint (AutoAWQ, transformers), or its own older quant_config.json.
struct AWQSettings {
  /// Inputs that share a scale; nil: all of them.
  let groupSize: Int?
  /// `.awq` or `.awqRows`
  let layout: PackedIntegerWeight.Layout

  init(_ json: JSON, path: String) throws(Problem) {
    func problem(_ sentence: String) -> Problem { Problem(path, "the AWQ settings \(sentence)") }
    if let bits = json["bits"] ?? json["w_bit"], bits.integer != 4 {
      throw problem("say \(bits.text()) bits, supported is 4; use another model")
    }
    if json["backend"]?.string?.lowercased() == "llm-awq" {
      throw problem("name the backend llm-awq, supported is autoawq; use a model made with AutoAWQ")
    }
    let version = (json["version"] ?? json["format"])?.string?.lowercased() ?? "gemm"
    switch version {
    // Both of the others are repacked from it when a model is loaded.
    case "gemm", "exllama", "ipex": layout = .awq
    case "gemv": layout = .awqRows
    default:
      throw problem(
        "name the version \"\(version)\", supported are gemm and gemv; use another model")
    }
    let size = json["group_size"] ?? json["q_group_size"] ?? 128
    guard let number = size.integer, number == -1 || (1...1 << 30).contains(number) else {
      throw problem("say groups of \(size.text()), expected a size or -1 for all inputs")
    }
    groupSize = number == -1 ? nil : number
  }
}
