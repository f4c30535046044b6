import Formats
import Tensors

/// A linear layer's weight that a checkpoint stores in whole numbers, with their scales in tensors of
/// their own. It becomes floating-point numbers when it is read.
protocol PackedWeight {
  /// Such as `model.layers.0.mlp.up_proj`.
  var module: String { get }
  /// The file that holds the codes.
  var path: String { get }
  var outputs: Int { get }
  var inputs: Int { get }
  /// What the values are rounded to when they are made.
  var valueType: DataType { get }
  /// The format's name.
  var format: String { get }
  /// What a person wants to know of the format, such as `GPTQ, 4 bits in groups of 128`.
  var summary: String { get }
  /// All tensors that make up the weight.
  var tensorNames: [String] { get }

  /// Finds every part in its place and in its size, without reading it.
  func check(_ shards: SafetensorsShards) throws(Problem)

  /// The values into a float32 tensor [outputs, inputs]; the parts were checked.
  func decode(from shards: SafetensorsShards, into tensor: Tensor) throws(Problem)

  /// Bytes of the weight where it can stay in four bits in memory; else nil.
  var groupedBytes: Int? { get }

  /// The weight as it stays in memory; nil where it has to become numbers.
  func grouped(from shards: SafetensorsShards, in memory: TensorPool) throws(Problem)
    -> GroupedWeight?
}

extension PackedWeight {
  /// The weight's name in a checkpoint that is not quantized.
  var name: String { module + ".weight" }

  var groupedBytes: Int? { nil }

  func grouped(from shards: SafetensorsShards, in memory: TensorPool) throws(Problem)
    -> GroupedWeight?
  { nil }
}

enum PackedWeights {
  /// Types that the scales of GPTQ and AWQ have.
  static let scaleTypes = ["F16", "BF16", "F32"]

  /// Every weight in whole numbers, checked, by its name in a checkpoint that is not quantized.
  ///
  /// - Parameters:
  ///   - configuration: `quantization_config` of config.json.
  ///   - directory: The model's.
  static func find(
    _ shards: SafetensorsShards, configuration: JSON?, directory: String
  ) throws(Problem) -> [String: any PackedWeight] {
    var found: [String: any PackedWeight] = [:]
    let names = shards.files.flatMap(\.names)
    for module in modules(of: names, ".SCB") {
      let weight = try Int8Weight(module, shards)
      found[weight.name] = weight
    }
    let packed = modules(of: names, ".qweight")
    if !packed.isEmpty {
      let settings = try QuantizationSettings(configuration, directory: directory)
      for module in packed {
        let weight = try settings.weight(module, shards)
        found[weight.name] = weight
      }
    }
    // One sentence is enough: a wrong setting is wrong for all.
    for weight in found.values.sorted(by: { $0.module < $1.module }) { try weight.check(shards) }
    return found
  }

  private static func modules(of names: [String], _ ending: String) -> [String] {
    names.filter { $0.hasSuffix(ending) }.map { String($0.dropLast(ending.count)) }
  }
}

/// What a checkpoint says about weights that stand under `.qweight`.
private enum QuantizationSettings {
  case gptq(GPTQSettings)
  case awq(AWQSettings)

  /// From config.json, or from the file of its own that the first versions of both formats had instead.
  init(_ configuration: JSON?, directory: String) throws(Problem) {
    var (json, path) = (configuration ?? .null, "\(directory)/config.json")
    var method = json["quant_method"]?.string
    if json.isNull {
      for (name, standard) in [("quantize_config.json", "gptq"), ("quant_config.json", "awq")] {
        guard fileExists("\(directory)/\(name)") else { continue }
        path = "\(directory)/\(name)"
        json = try readJSON(path)
        method = json["quant_method"]?.string ?? standard
        break
      }
    }
    switch method {
    case "gptq": self = .gptq(try GPTQSettings(json, path: path))
    case "awq": self = .awq(try AWQSettings(json, path: path))
    default:
      throw Problem(
        path,
        "the weights are quantized (there are tensors named .qweight), but \"quant_method\" of"
          + " quantization_config is \(method.map { "\"\($0)\"" } ?? "missing"), expected \"gptq\" or"
          + " \"awq\"; download the model again, with all of its .json files")
    }
  }

  func weight(_ module: String, _ shards: SafetensorsShards) throws(Problem) -> any PackedWeight {
    switch self {
    case .gptq(let settings): try GPTQWeight(module, settings, shards)
    case .awq(let settings): try AWQWeight(module, settings, shards)
    }
  }
}
