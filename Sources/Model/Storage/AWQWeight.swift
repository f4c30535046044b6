import Formats
import Tensors

/// A weight as AWQ checkpoints store it (Lin et al. 2023, arXiv:2306.00978): `qweight`, `qzeros` and
/// `scales`. The reference computes scale · (code - zero) in the type of the scales: one rounding.
///
/// Where AWQ had to scale the input of a layer that follows an activation, the activation has a tensor
/// `scales` and divides by it. Here the columns of the layer's weight are divided instead: the same
/// product with one rounding less.
struct AWQWeight: PackedWeight {
  let module: String
  let path: String
  let outputs: Int
  let inputs: Int
  let valueType: DataType
  private let layout: PackedIntegerWeight.Layout
  private let groupSize: Int
  /// Words of zero points in a row of the rows' layout, which has room for more.
  private let zeroWords: Int
  /// The tensor that an activation in front of the layer divides by.
  private let divisorsName: String?

  let format = "AWQ"

  var summary: String {
    "AWQ, 4 bits in groups of \(groupSize == inputs ? "all inputs" : "\(groupSize)")"
  }

  var tensorNames: [String] {
    [codesName, zerosName, scalesName] + [divisorsName].compactMap { $0 }
  }

  private var codesName: String { module + ".qweight" }
  private var zerosName: String { module + ".qzeros" }
  private var scalesName: String { module + ".scales" }
  private var groups: Int { (inputs + groupSize - 1) / groupSize }

  init(_ module: String, _ settings: AWQSettings, _ shards: SafetensorsShards) throws(Problem) {
    let name = module + ".qweight"
    guard let file = shards.file(of: name), let entry = shards.entry(name) else {
      preconditionFailure("\(name) was not found before")
    }
    let size = entry.shape
    guard size.count == 2, size.allSatisfy({ (1...1 << 27).contains($0) }) else {
      throw Problem(
        file.path, "tensor \"\(name)\" is \(size), expected two sizes; the file is damaged")
    }
    self.module = module
    path = file.path
    layout = settings.layout
    (outputs, inputs) = layout == .awq ? (size[1] * 8, size[0]) : (size[0], size[1] * 8)
    groupSize = min(settings.groupSize ?? inputs, inputs)
    zeroWords = shards.entry(module + ".qzeros")?.shape.last ?? 0
    valueType =
      shards.entry(module + ".scales").flatMap { SafetensorsFile.floatType($0.dtype) } ?? .float16
    divisorsName = Self.activationScales(before: module).first { shards.entry($0) != nil }
  }

  /// Layers that follow an activation alone, and so can take its scales over.
  private static let afterActivation: Set<Substring> = [
    "dense_4h_to_h", "c_proj", "down_proj", "fc2", "fc_out",
  ]

  private static func activationScales(before module: String) -> [String] {
    guard let dot = module.lastIndex(of: "."),
      afterActivation.contains(module[module.index(after: dot)...])
    else { return [] }
    return ["act", "gelu_impl"].map { "\(module[..<dot]).\($0).scales" }
  }

  func check(_ shards: SafetensorsShards) throws(Problem) {
    let scaleTypes = PackedWeights.scaleTypes
    if layout == .awq {
      try shards.require(codesName, ["I32"], [inputs, outputs / 8], path: path)
      try shards.require(zerosName, ["I32"], [groups, outputs / 8], path: path)
      try shards.require(scalesName, scaleTypes, [groups, outputs], path: path)
    } else {
      let words = max(zeroWords, (groups + 7) / 8)
      guard words <= 1 << 27 else { throw Problem(path, "\"\(zerosName)\" is too large") }
      try shards.require(codesName, ["I32"], [outputs, inputs / 8], path: path)
      try shards.require(zerosName, ["I32"], [outputs, words], path: path)
      try shards.require(scalesName, scaleTypes, [outputs, words * 8], path: path)
    }
    if let divisorsName { try shards.require(divisorsName, scaleTypes, [inputs], path: path) }
  }

  func decode(from shards: SafetensorsShards, into tensor: Tensor) throws(Problem) {
    Kernels.decode(try stored(in: shards), into: tensor)
  }

  var groupedBytes: Int? {
    guard divisorsName == nil, inputs.isMultiple(of: 2), valueType.size == 2 else { return nil }
    return GroupedWeight.byteCount(of: outputs * inputs, scales: outputs * groups)
  }

  func grouped(from shards: SafetensorsShards, in memory: TensorPool) throws(Problem)
    -> GroupedWeight?
  { Kernels.regroup(try stored(in: shards), in: memory) }

  private func stored(in shards: SafetensorsShards) throws(Problem) -> PackedIntegerWeight {
    let divisors = try divisorsName.map { (name) throws(Problem) -> Tensor in
      guard let file = shards.file(of: name) else { preconditionFailure("\(name) is gone") }
      let values = try file.float32(name)
      guard values.toArray(Float.self).allSatisfy({ $0 != 0 }) else {
        throw Problem(
          file.path,
          "tensor \"\(name)\" holds a zero, which nothing can be divided by; the file is damaged,"
            + " download it again")
      }
      return values
    }
    return PackedIntegerWeight(
      layout: layout, bits: 4, outputs: outputs, inputs: inputs,
      codes: shards.stored(codesName), zeros: shards.stored(zerosName), zeroOffset: 0,
      scales: shards.stored(scalesName), groups: .contiguous(size: groupSize),
      divisors: divisors)
  }
}
