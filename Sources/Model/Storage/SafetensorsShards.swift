import Formats
import Tensors

/// The safetensors files of a model as one: a tensor by its name, whichever file it is in.
struct SafetensorsShards {
  let files: [SafetensorsFile]
  /// Index into `files` by tensor name.
  let places: [String: Int]

  func file(of name: String) -> SafetensorsFile? { places[name].map { files[$0] } }

  func entry(_ name: String) -> SafetensorsFile.Entry? { file(of: name)?.tensors[name] }

  /// The tensor has one of these types and this shape.
  ///
  /// - Parameter path: Named where the tensor is missing.
  func require(
    _ name: String, _ types: [String], _ shape: [Int], path: String
  ) throws(Problem) {
    guard let file = file(of: name), let entry = entry(name) else {
      throw Problem(path, "tensor \"\(name)\" is missing; download the model again")
    }
    guard types.contains(entry.dtype), entry.shape == shape else {
      throw Problem(
        file.path,
        "tensor \"\(name)\" is \(entry.dtype) \(entry.shape), the quantization settings imply"
          + " \(types.joined(separator: " or ")) \(shape); the files do not belong together")
    }
  }

  /// The tensor as it lies in the mapped file, flat. It was found by `require`; bytes are uint8, whether
  /// they have a sign or not.
  func stored(_ name: String) -> Tensor {
    guard let file = file(of: name), let entry = entry(name) else {
      preconditionFailure("\(name) was not checked")
    }
    return file.stored(name, DataType(rawValue: entry.dtype) ?? .uint8)
  }

  /// Gives back the memory that reading a tensor took.
  func forget(_ name: String) {
    guard let file = file(of: name), let entry = entry(name) else { return }
    file.file.forget(entry.range)
  }
}
