import Formats
import Tensors

/// A weight as GPTQ checkpoints store it (Frantar et al. 2022, arXiv:2210.17323): `qweight`, `qzeros`,
/// `scales` and, where groups are not simply neighbours, `g_idx`.
///
/// The reference computes scale · (code - zero) in the type of the scales: one rounding.
struct GPTQWeight: PackedWeight {
  let module: String
  let path: String
  let outputs: Int
  let inputs: Int
  let valueType: DataType
  private let bits: Int
  private let groupSize: Int
  private let zeroOffset: Int
  private let hasGroupOfInputs: Bool

  let format = "GPTQ"

  var summary: String {
    "GPTQ, \(bits) bits in groups of \(groupSize == inputs ? "all inputs" : "\(groupSize)")"
  }

  var tensorNames: [String] {
    [codesName, zerosName, scalesName] + (hasGroupOfInputs ? [groupsName] : [])
  }

  private var codesName: String { module + ".qweight" }
  private var zerosName: String { module + ".qzeros" }
  private var scalesName: String { module + ".scales" }
  private var groupsName: String { module + ".g_idx" }
  private var groups: Int { (inputs + groupSize - 1) / groupSize }

  init(_ module: String, _ settings: GPTQSettings, _ shards: SafetensorsShards) throws(Problem) {
    let name = module + ".qweight"
    guard let file = shards.file(of: name), let entry = shards.entry(name) else {
      preconditionFailure("\(name) was not found before")
    }
    let own = settings.module(module)
    bits = own.bits
    let size = entry.shape
    guard size.count == 2, size.allSatisfy({ (1...1 << 30).contains($0) }),
      (size[0] * 32).isMultiple(of: bits), (size[1] * bits).isMultiple(of: 32)
    else {
      throw Problem(
        file.path,
        "tensor \"\(name)\" is \(size), which codes of \(bits) bits cannot fill; the files do not"
          + " belong together")
    }
    self.module = module
    path = file.path
    inputs = size[0] * 32 / bits
    outputs = size[1]
    groupSize = min(own.groupSize ?? inputs, inputs)
    zeroOffset = settings.zeroOffset
    valueType =
      shards.entry(module + ".scales").flatMap { SafetensorsFile.floatType($0.dtype) } ?? .float16
    hasGroupOfInputs = shards.entry(module + ".g_idx") != nil
  }

  func check(_ shards: SafetensorsShards) throws(Problem) {
    try shards.require(codesName, ["I32"], [inputs * bits / 32, outputs], path: path)
    try shards.require(zerosName, ["I32"], [groups, outputs * bits / 32], path: path)
    try shards.require(scalesName, PackedWeights.scaleTypes, [groups, outputs], path: path)
    if hasGroupOfInputs { try shards.require(groupsName, ["I32"], [inputs], path: path) }
  }

  func decode(from shards: SafetensorsShards, into tensor: Tensor) throws(Problem) {
    Kernels.decode(try stored(in: shards), into: tensor)
  }

  var groupedBytes: Int? {
    guard bits <= 4, inputs.isMultiple(of: 2), valueType.size == 2 else { return nil }
    return GroupedWeight.byteCount(of: outputs * inputs, scales: outputs * groups)
  }

  func grouped(from shards: SafetensorsShards, in memory: TensorPool) throws(Problem)
    -> GroupedWeight?
  { Kernels.regroup(try stored(in: shards), in: memory) }

  private func stored(in shards: SafetensorsShards) throws(Problem) -> PackedIntegerWeight {
    var groups = PackedIntegerWeight.Groups.contiguous(size: groupSize)
    if hasGroupOfInputs {
      let places = shards.stored(groupsName)
      guard Kernels.isWithin(0..<Int32(self.groups), places) else {
        throw Problem(
          shards.file(of: groupsName)?.path ?? path,
          "tensor \"\(groupsName)\" names groups that do not exist, expected 0 to"
            + " \(self.groups - 1); the file is damaged, download it again")
      }
      // Most files list what is plain; then a row can be read group by group.
      let isPlain = places.toArray(Int32.self).enumerated().allSatisfy {
        Int($0.element) == $0.offset / groupSize
      }
      if !isPlain { groups = .listed(places, count: self.groups) }
    }
    return PackedIntegerWeight(
      layout: .gptq, bits: bits, outputs: outputs, inputs: inputs,
      codes: shards.stored(codesName), zeros: shards.stored(zerosName), zeroOffset: zeroOffset,
      scales: shards.stored(scalesName), groups: groups)
  }
}
