import Formats
import Foundation
import Tensors

/// The safetensors files of a Hugging Face model directory: one, or several shards.
///
/// The headers of the files decide which tensor is where; an index only names files, because indexes
/// with wrong names, extra keys or lists exist.
final class HuggingFaceWeights: WeightFiles {
  private let shards: [SafetensorsFile]
  /// Index into `shards` by tensor name.
  private let places: [String: Int]
  /// Linear layers in NF4, by the name of their weight.
  private let quantized: [String: BitsAndBytesWeight]
  /// Linear layers in whole numbers (GPTQ, AWQ, INT8), by the name of their weight.
  private let packed: [String: any PackedWeight]
  /// Knows what else a tensor may be called, and what need not be known.
  private let family: any Family.Type
  /// A tensor that stands here under another's name: the token table as the head.
  var alias: (name: String, stored: String)?

  static let indexName = "model.safetensors.index.json"
  static let singleName = "model.safetensors"

  private var joined: SafetensorsShards { SafetensorsShards(files: shards, places: places) }

  /// - Parameter quantization: `quantization_config` of config.json.
  init(
    directory: String, family: any Family.Type, quantization: JSON?
  ) throws(Problem) {
    self.family = family
    var shards: [SafetensorsFile] = []
    var places: [String: Int] = [:]
    for path in try Self.files(in: directory) {
      let shard = try SafetensorsFile(path)
      for name in shard.names {
        if let other = places.updateValue(shards.count, forKey: name) {
          throw Problem(
            path,
            "tensor \"\(name)\" stands also in \(lastPathComponent(shards[other].path)); remove the"
              + " file that does not belong to the model")
        }
      }
      shards.append(shard)
    }
    self.shards = shards
    self.places = places
    quantized = try BitsAndBytesWeight.find(shards, places)
    for weight in quantized.values { try weight.check(shards, places) }
    packed = try PackedWeights.find(
      SafetensorsShards(files: shards, places: places), configuration: quantization,
      directory: directory)
  }

  private func shard(_ name: String) -> SafetensorsFile? { places[name].map { shards[$0] } }

  /// What a tensor is called here.
  private func found(_ name: String) -> String {
    let name = name == alias?.name ? alias?.stored ?? name : name
    return family.storedNames(of: name).first { places[$0] != nil } ?? name
  }

  func stored(_ name: String) -> StoredTensor? {
    let name = found(name)
    if let weight = quantized[name] {
      return StoredTensor(
        path: weight.path, name: name, shape: [weight.outputs, weight.inputs],
        type: weight.valueType, typeName: "NF4", isTransposed: false)
    }
    if let weight = packed[name] {
      return StoredTensor(
        path: weight.path, name: name, shape: [weight.outputs, weight.inputs],
        type: weight.valueType, typeName: weight.format, isTransposed: false)
    }
    guard let file = shard(name), let entry = file.tensors[name] else { return nil }
    return StoredTensor(
      path: file.path, name: name, shape: entry.shape,
      type: SafetensorsFile.floatType(entry.dtype), typeName: entry.dtype)
  }

  func unexpected(known: Set<String>) -> [String] {
    let parts = Set(
      quantized.values.flatMap { $0.tensorNames } + packed.values.flatMap { $0.tensorNames })
    let known = Set(known.map(found))
    return shards.flatMap { file in
      file.names.filter { name in
        // Tied checkpoints may keep the head that they do not use.
        !known.contains(name) && !parts.contains(name) && !name.hasSuffix("lm_head.weight")
          && !family.isIgnored(name)
          && !IgnoredBuffers.contains(name, shape: file.tensors[name]?.shape ?? [])
          && !isBiasOfNothing(name, file)
      }
    }
  }

  /// Whether this is a bias of zeros beside a weight in whole numbers: the first programs that made such
  /// checkpoints gave one to every layer.
  private func isBiasOfNothing(_ name: String, _ file: SafetensorsFile) -> Bool {
    guard name.hasSuffix(".bias"), packed[name.dropLast(".bias".count) + ".weight"] != nil,
      let bias = try? file.float32(name)
    else { return false }
    return bias.toArray(Float.self).allSatisfy { $0 == 0 }
  }

  func decode(_ name: String, into tensor: Tensor) throws(Problem) {
    let name = found(name)
    if let weight = try nf4(name) {
      Kernels.nf4Dequantize(weight, into: tensor)
    } else if let weight = packed[name] {
      try weight.decode(from: joined, into: tensor)
    } else if let file = shard(name) {
      try file.decode(name, into: tensor)
    }
  }

  func mapped(_ name: String, _ type: DataType) -> Tensor? {
    let name = found(name)
    guard let file = shard(name), let entry = file.tensors[name], entry.dtype == type.rawValue
    else { return nil }
    return file.stored(name, type).reshaped(entry.shape)
  }

  func forget(_ name: String) {
    let name = found(name)
    if let weight = packed[name] {
      for part in weight.tensorNames { joined.forget(part) }
      return
    }
    guard let file = shard(name), let range = file.tensors[name]?.range else { return }
    file.file.forget(range)
  }

  func nf4(_ name: String) throws(Problem) -> NF4Weight? {
    guard let weight = quantized[found(name)] else { return nil }
    return try weight.load(from: shards, places)
  }

  /// Whether both tensors are here, and not of the same bytes.
  func differ(_ one: String, _ other: String) -> Bool {
    let (one, other) = (found(one), found(other))
    guard let left = shard(one), let right = shard(other) else { return false }
    return left.withBytes(of: one) { a in
      right.withBytes(of: other) { b in
        guard a.count == b.count else { return true }
        guard let left = a.baseAddress, let right = b.baseAddress else { return false }
        return memcmp(left, right, a.count) != 0
      }
    }
  }

  func groupedBytes(_ name: String) -> Int? { packed[found(name)]?.groupedBytes }

  func grouped(_ name: String, in memory: TensorPool) throws(Problem) -> GroupedWeight? {
    guard let weight = packed[found(name)], weight.groupedBytes != nil else { return nil }
    return try weight.grouped(from: joined, in: memory)
  }

  var quantization: String? {
    if !quantized.isEmpty { return PretrainedFiles.storedNF4 }
    let kinds = Set(packed.values.map(\.summary)).sorted()
    return kinds.isEmpty ? nil : kinds.joined(separator: "; ")
  }

  func identify(_ sum: inout SHA256Stream) {
    for shard in shards {
      let ranges = shard.names.compactMap { shard.tensors[$0]?.range }
      identify(shard.file, tensors: ranges, &sum)
    }
  }

  // MARK: - Finding the files

  private static func files(in directory: String) throws(Problem) -> [String] {
    let single = "\(directory)/\(singleName)"
    if fileExists(single) { return [single] }
    let names = try directoryEntries(directory)
    let listed = try listedFiles(directory)
    let missing = listed.filter { !names.contains($0) }
    guard missing.isEmpty else {
      throw Problem(
        directory,
        "\(missing.count == 1 ? "the shard" : "\(missing.count) shards, first")"
          + " \(missing[0]) \(missing.count == 1 ? "is" : "are") missing; download the model again")
    }
    let shards =
      listed.isEmpty
      ? names.filter { $0.hasPrefix("model-") && $0.hasSuffix(".safetensors") } : listed
    guard shards.isEmpty else { return shards.map { "\(directory)/\($0)" } }
    let pickled = names.contains { $0.hasPrefix("pytorch_model") }
    throw Problem(
      directory,
      pickled
        ? "the weights are pickle files, which can run code and are never read; download the"
          + " safetensors version or convert them"
        : "there is no \(singleName) and no shard of it; download the model again")
  }

  /// Files that the index names, sorted; empty without an index. Names must stay in the directory.
  private static func listedFiles(_ directory: String) throws(Problem) -> [String] {
    let path = "\(directory)/\(indexName)"
    guard fileExists(path) else { return [] }
    let members = try readJSON(path)["weight_map"]?.object?.members ?? []
    var files: Set<String> = []
    for (_, value) in members {
      for file in value.array ?? [value] {
        guard let name = file.string, name.hasSuffix(".safetensors") else { continue }
        guard !name.utf8.contains(UInt8(ascii: "/")) else {
          throw Problem(path, "it names the file \"\(name)\", expected a name without directories")
        }
        files.insert(name)
      }
    }
    return files.sorted()
  }
}

extension WeightFiles {
  /// Everything in front of the tensors, and samples of each one: up to 4096 bytes of its start,
  /// middle and end.
  func identify(_ file: MappedFile, tensors: [Range<Int>], _ sum: inout SHA256Stream) {
    let sample = 4096
    let head = tensors.map(\.lowerBound).min() ?? file.count
    file.withBytes(0..<head) { sum.update($0) }
    for range in tensors {
      for start in [
        range.lowerBound, range.lowerBound + range.count / 2, range.upperBound - sample,
      ] {
        let start = max(start, range.lowerBound)
        file.withBytes(start..<min(start + sample, range.upperBound)) { sum.update($0) }
      }
      // The system has mapped more around each sample, and nobody else may come by here again.
      file.forget(range)
    }
  }
}
