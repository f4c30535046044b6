import Formats
import Tensors

/// A weight in the 8 bits of bitsandbytes (LLM.int8(), Dettmers et al. 2022, arXiv:2208.07339): signed
/// bytes under the weight's name and the largest magnitude of each row under `SCB`.
///
/// LLM.int8() also quantizes what a layer is given, row by row. A frozen base is its weight alone.
struct Int8Weight: PackedWeight {
  let module: String
  let path: String
  let outputs: Int
  let inputs: Int
  private let hasFormat: Bool

  let format = "INT8"
  let valueType = DataType.float32
  let summary = "bitsandbytes INT8"

  var tensorNames: [String] { [name, scalesName] + (hasFormat ? [formatName] : []) }

  private var scalesName: String { module + ".SCB" }
  private var formatName: String { module + ".weight_format" }

  init(_ module: String, _ shards: SafetensorsShards) throws(Problem) {
    let name = module + ".weight"
    guard let file = shards.file(of: name), let size = shards.entry(name)?.shape, size.count == 2
    else {
      throw Problem(
        shards.file(of: module + ".SCB")?.path ?? module,
        "\"\(module).SCB\" has no matrix \"\(name)\" beside it; download the model again")
    }
    self.module = module
    path = file.path
    (outputs, inputs) = (size[0], size[1])
    hasFormat = shards.entry(module + ".weight_format") != nil
  }

  func check(_ shards: SafetensorsShards) throws(Problem) {
    try shards.require(name, ["I8"], [outputs, inputs], path: path)
    try shards.require(scalesName, ["F32"], [outputs], path: path)
    guard hasFormat else { return }
    try shards.require(formatName, ["U8"], [], path: path)
    let format = shards.stored(formatName).toArray(UInt8.self)
    guard format == [0] else {
      throw Problem(
        path,
        "\"\(formatName)\" is \(format.first ?? 0), supported is 0, rows one after the other; save"
          + " the model with a newer bitsandbytes")
    }
  }

  func decode(from shards: SafetensorsShards, into tensor: Tensor) throws(Problem) {
    Kernels.decodeInt8(shards.stored(name), scales: shards.stored(scalesName), into: tensor)
  }
}
