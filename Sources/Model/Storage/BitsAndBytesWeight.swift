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
    guard sizes.count == 2, sizes.allSatisfy({ (1...1 << 30).contains($0) }) else {
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

  /// One of the tensors that make up the weight.
  private struct Part {
    let name: String
    let type: DataType
    let count: Int
  }

  private var codesPart: Part { Part(name: name, type: .uint8, count: (outputs * inputs + 1) / 2) }
  private var mapPart: Part { part("quant_map", .float32, 16) }
  private var absmaxPart: Part {
    part("absmax", nestedOffset == nil ? .float32 : .uint8, blocks)
  }
  private var nestedAbsmaxPart: Part {
    part("nested_absmax", .float32, NF4Weight.nestedBlockCount(of: blocks))
  }
  private var nestedMapPart: Part { part("nested_quant_map", .float32, 256) }

  private func part(_ part: String, _ type: DataType, _ count: Int) -> Part {
    Part(name: Self.part(name, part), type: type, count: count)
  }

  /// Finds every part in its place and in its size, without reading it.
  func check(_ shards: [SafetensorsFile], _ places: [String: Int]) throws(Problem) {
    let nested = nestedOffset == nil ? [] : [nestedAbsmaxPart, nestedMapPart]
    for part in [codesPart, mapPart, absmaxPart] + nested {
      guard let file = places[part.name].map({ shards[$0] }), let entry = file.tensors[part.name]
      else {
        throw Problem(path, "tensor \"\(part.name)\" is missing; download the model again")
      }
      // The codes may be stored as another type of the same bytes (bnb_4bit_quant_storage).
      let isCodes = part.name == name
      guard entry.range.count == part.count * part.type.size,
        isCodes || entry.dtype == part.type.rawValue
      else {
        throw Problem(
          file.path,
          "tensor \"\(part.name)\" is \(entry.dtype) \(entry.shape), expected \(part.count) of"
            + " \(part.type.rawValue); quantize the model again")
      }
    }
  }

  /// The weight as it is stored, its parts not copied but mapped; they were checked before.
  func load(from shards: [SafetensorsFile], _ places: [String: Int]) throws(Problem) -> NF4Weight {
    func read(_ part: Part) throws(Problem) -> Tensor {
      guard let file = places[part.name].map({ shards[$0] }) else {
        preconditionFailure("\(part.name) was not checked")
      }
      let tensor = file.stored(part.name, part.type)
      guard part.type != .float32 || Kernels.isFinite(tensor) else {
        throw notFinite(part.name, in: file.path)
      }
      return tensor
    }
    guard try read(mapPart).toArray(Float.self) == NF4Weight.codeValues else {
      throw Problem(path, "\"\(name)\" has other code values than NF4; quantize the model again")
    }
    let absmax: NF4Weight.Absmax =
      if let nestedOffset {
        .nested(
          codes: try read(absmaxPart), absmax2: try read(nestedAbsmaxPart),
          quantMap: try read(nestedMapPart), offset: nestedOffset)
      } else {
        .plain(try read(absmaxPart))
      }
    return NF4Weight(
      outputs: outputs, inputs: inputs, codes: try read(codesPart), absmax: absmax,
      valueType: valueType)
  }
}
