import Formats
import Tensors

/// The weights of a GGUF file under Hugging Face's names.
final class GGUFWeights: WeightFiles {
  private let file: GGUFFile
  private let naming: GGUFNaming
  /// Head dimension of the weights whose rows are interleaved, by Hugging Face name.
  private let interleaved: [String: Int]
  /// Of other tensors whose rows are in another order: where each row is in the file.
  private let rowPlaces: [String: Tensor]
  /// Of the weights of an expert: its place among those of its layer, which are one tensor of the file.
  private let slices: [String: (expert: Int, of: Int)]
  /// Names of norms' weights, to which the file has added something.
  private let shifted: Set<String>

  init(_ file: GGUFFile, _ naming: GGUFNaming, _ specification: ModelSpecification) {
    self.file = file
    self.naming = naming
    var (interleaved, places): ([String: Int], [String: Tensor]) = ([:], [:])
    for site in specification.sites {
      guard let layer = site.layer, let order = naming.rowOrder(of: site, in: specification)
      else { continue }
      if site.role == .linear, naming.interleavesRows(of: site) {
        interleaved[site.name] = specification.blocks[layer].attention.shape.headDimension
      } else {
        var stored = [Int32](repeating: 0, count: order.count)
        for (place, row) in order.enumerated() { stored[row] = Int32(place) }
        places[site.name] = Tensor.from(stored, .int32)
      }
    }
    (self.interleaved, rowPlaces) = (interleaved, places)
    var slices: [String: (expert: Int, of: Int)] = [:]
    for site in specification.sites {
      guard let layer = site.layer, let expert = site.expert else { continue }
      let count = specification.blocks[layer].feedForward.experts?.experts.count ?? 1
      slices[site.name] = (expert, count)
    }
    self.slices = slices
    shifted =
      naming.normWeightOffset == 0
      ? [] : Set(specification.sites.filter { $0.role == .norm }.map(\.name))
  }

  func stored(_ name: String) -> StoredTensor? {
    guard let stored = naming.gguf(name), let entry = file.tensors[stored] else { return nil }
    let blocks = GGMLBlocks(rawValue: entry.type.name)
    let type: DataType? =
      switch entry.type {
      case .f16: .float16
      case .bf16: .bfloat16
      default: blocks == nil ? nil : .float32
      }
    // llama.cpp has all linear layers as [outputs, inputs].
    return StoredTensor(
      path: file.files[entry.part].path, name: stored, shape: shape(of: name, in: entry.shape),
      type: type, typeName: entry.type.name, isTransposed: false)
  }

  /// Of one weight; of an expert's, where the tensor has as many of them as the layer.
  private func shape(of name: String, in stored: [Int]) -> [Int] {
    guard let slice = slices[name], stored.first == slice.of else { return stored }
    return Array(stored.dropFirst())
  }

  func unexpected(known: Set<String>) -> [String] {
    let expected = Set(known.compactMap { naming.gguf($0) })
    // The scaling of rotary frequencies has become part of the configuration.
    return file.names.filter { !expected.contains($0) && $0 != "rope_freqs.weight" }
  }

  func decode(_ name: String, into tensor: Tensor) throws(Problem) {
    guard let stored = naming.gguf(name), let entry = file.tensors[stored],
      let blocks = GGMLBlocks(rawValue: entry.type.name)
    else { return }
    guard let places = rowPlaces[name] else {
      file.withBytes(of: stored) { bytes in
        let size = bytes.count / (slices[name]?.of ?? 1)
        let start = size * (slices[name]?.expert ?? 0)
        blocks.decode(
          UnsafeRawBufferPointer(rebasing: bytes[start..<start + size]), into: tensor,
          headRows: interleaved[name] ?? 0)
      }
      if shifted.contains(name) { Kernels.add(-naming.normWeightOffset, to: tensor) }
      return
    }
    let rows = Tensor.zeros([places.count, tensor.count / places.count])
    file.withBytes(of: stored) { blocks.decode($0, into: rows) }
    Kernels.gatherRows(rows, places: places, out: tensor.reshaped(rows.shape))
  }

  // Some rows are in another order, and BF16 is rare: not worth a second way of reading.
  func mapped(_ name: String, _ type: DataType) -> Tensor? { nil }

  func forget(_ name: String) {
    if let stored = naming.gguf(name) { file.forget(stored) }
  }

  func nf4(_ name: String) throws(Problem) -> NF4Weight? { nil }

  // Of many kinds in one file.
  var quantization: String? { nil }

  func identify(_ sum: inout SHA256Stream) {
    let entries = file.names.compactMap { file.tensors[$0] }
    for (part, mapped) in file.files.enumerated() {
      let ranges = entries.filter { $0.part == part }.map(\.range)
      identify(mapped, tensors: ranges, &sum)
    }
  }
}
