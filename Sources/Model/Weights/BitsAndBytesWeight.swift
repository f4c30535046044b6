import Formats
import Tensors

/// A linear layer's weight in 4-bit NormalFloat as bitsandbytes writes it to safetensors: packed
/// codes under the weight's name and, below it, scales, code tables and a JSON object as bytes.
struct BitsAndBytesWeight {
  /// Such as `model.layers.0.mlp.up_proj.weight`.
  let name: String
  /// The file that holds the codes.
  let path: String
  let outputs: Int
  let inputs: Int
  let valueType: DataType
  /// Offset of doubly quantized scales; nil where the scales are float32.
  let nestedOffset: Float?

  private static let statePrefix = ".quant_state.bitsandbytes__"

  static func stateName(_ name: String) -> String { name + statePrefix + "nf4" }
  static func part(_ name: String, _ part: String) -> String { "\(name).\(part)" }

  /// All tensors that make up the weight.
  var tensorNames: [String] {
    let nested = nestedOffset == nil ? [] : ["nested_absmax", "nested_quant_map"]
    return [name, Self.stateName(name)]
      + (["absmax", "quant_map"] + nested).map { Self.part(name, $0) }
  }

  private var blocks: Int { NF4Weight.blockCount(of: outputs * inputs) }

  // MARK: - Reading the description

  /// Every quantized weight, by name.
  static func find(
    _ shards: [SafetensorsFile], _ places: [String: Int]
  ) throws(Problem) -> [String: BitsAndBytesWeight] {
    var found: [String: BitsAndBytesWeight] = [:]
    for file in shards {
      for name in file.names {
        if name.hasSuffix(".SCB") {
          throw Problem(
            file.path,
            "the weights are in bitsandbytes' 8-bit format (\"\(name)\"), supported is NF4; use the"
              + " unquantized model")
        }
        guard let (weight, kind) = split(name) else { continue }
        guard kind == "nf4" else {
          throw Problem(
            file.path,
            "\"\(weight)\" is quantized to \(kind), supported is nf4; use the unquantized model")
        }
        found[weight] = try BitsAndBytesWeight(weight, state: name, file)
      }
    }
    return found
  }

  /// The weight's name and the kind of quantization, of the name of a state.
  private static func split(_ name: String) -> (weight: String, kind: String)? {
    guard let range = name.firstRange(of: statePrefix) else { return nil }
    return (String(name[..<range.lowerBound]), String(name[range.upperBound...]))
  }

  private init(_ name: String, state: String, _ file: SafetensorsFile) throws(Problem) {
    func problem(_ sentence: String) -> Problem {
      Problem(
        file.path, "the quantization state of \"\(name)\" \(sentence); quantize the model again")
    }
    let json: JSON
    do {
      json = try JSONParser.parse(file.withBytes(of: state) { Array($0) })
    } catch { throw problem("is not valid JSON (\(error.message))") }

    let sizes = json["shape"]?.array?.compactMap(\.integer) ?? []
    guard sizes.count == 2, sizes.allSatisfy({ $0 > 0 }), sizes.checkedProduct != nil else {
      throw problem("has shape \(json["shape"]?.text() ?? "none"), expected two sizes")
    }
    guard json["quant_type"]?.string == "nf4", json["blocksize"]?.integer == NF4Weight.blockSize
    else {
      throw problem(
        "is \(json["quant_type"]?.text() ?? "none") in blocks of"
          + " \(json["blocksize"]?.text() ?? "none"), supported is nf4 in blocks of 64")
    }
    let types: [String: DataType] = [
      "float32": .float32, "bfloat16": .bfloat16, "float16": .float16,
    ]
    guard let type = json["dtype"]?.string.flatMap({ types[$0] }) else {
      throw problem("has dtype \(json["dtype"]?.text() ?? "none")")
    }
    if let offset = json["nested_offset"] {
      guard let value = offset.number, Float(value).isFinite,
        json["nested_blocksize"]?.integer == NF4Weight.nestedBlockSize,
        json["nested_dtype"]?.string ?? "float32" == "float32"
      else { throw problem("has unknown settings of double quantization") }
      nestedOffset = Float(value)
    } else {
      nestedOffset = nil
    }
    self.name = name
    path = file.path
    outputs = sizes[0]
    inputs = sizes[1]
    valueType = type
  }

  // MARK: - Reading the weight

  /// The weight as it is stored, its large parts not copied but mapped.
  func load(from shards: [SafetensorsFile], _ places: [String: Int]) throws(Problem) -> NF4Weight {
    func part(_ name: String, _ type: DataType, count: Int) throws(Problem) -> Tensor {
      guard let file = places[name].map({ shards[$0] }), let entry = file.tensors[name] else {
        throw Problem(path, "tensor \"\(name)\" is missing; download the model again")
      }
      // The codes may be stored as another type of the same bytes (bnb_4bit_quant_storage).
      let isCodes = name == self.name
      guard entry.range.count == count * type.size, isCodes || entry.dtype == type.rawValue else {
        throw Problem(
          file.path,
          "tensor \"\(name)\" is \(entry.dtype) \(entry.shape), expected \(count) of"
            + " \(type.rawValue); quantize the model again")
      }
      let tensor = file.stored(name, type)
      guard type != .float32 || Kernels.isFinite(tensor) else {
        throw notFinite(name, in: file.path)
      }
      return tensor
    }
    let codes = try part(name, .uint8, count: (outputs * inputs + 1) / 2)
    let map = try part(Self.part(name, "quant_map"), .float32, count: 16)
    guard map.toArray(Float.self) == NF4Weight.codeValues else {
      throw Problem(
        path, "\"\(name)\" has other code values than NF4; quantize the model again")
    }
    let absmaxName = Self.part(name, "absmax")
    let absmax: NF4Weight.Absmax
    if let nestedOffset {
      absmax = .nested(
        codes: try part(absmaxName, .uint8, count: blocks),
        absmax2: try part(
          Self.part(name, "nested_absmax"), .float32, count: NF4Weight.nestedBlockCount(of: blocks)),
        quantMap: try part(Self.part(name, "nested_quant_map"), .float32, count: 256),
        offset: nestedOffset)
    } else {
      absmax = .plain(try part(absmaxName, .float32, count: blocks))
    }
    return NF4Weight(
      outputs: outputs, inputs: inputs, codes: codes, absmax: absmax, valueType: valueType)
  }
}
