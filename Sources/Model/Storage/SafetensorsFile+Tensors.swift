package import Formats
package import Tensors

extension SafetensorsFile {
  /// A tensor of floating-point numbers as float32, in memory of its own.
  ///
  /// - Throws: A `Problem` where the element type is another one or a value is not finite.
  package func float32(_ name: String) throws(Problem) -> Tensor {
    guard let entry = tensors[name] else {
      throw Problem(path, "tensor \"\(name)\" is missing; download the file again")
    }
    let tensor = Tensor.zeros(entry.shape)
    try decode(name, into: tensor)
    guard Kernels.isFinite(tensor) else { throw notFinite(name, in: path) }
    return tensor
  }

  /// Converts a stored tensor of floating-point numbers to float32.
  func decode(_ name: String, into tensor: Tensor) throws(Problem) {
    guard let entry = tensors[name], let type = Self.floatType(entry.dtype) else {
      throw Problem(
        path,
        "tensor \"\(name)\" has element type \(tensors[name]?.dtype ?? "none"), expected F32, F16"
          + " or BF16; convert it")
    }
    let stored = stored(name, type)
    if type == .float32 {
      Kernels.copy(stored, into: tensor)
    } else {
      Kernels.convert(stored, into: tensor)
    }
  }

  /// The tensor as it lies in the mapped file; a copy where the file does not align it.
  func stored(_ name: String, _ type: DataType) -> Tensor {
    withBytes(of: name) { bytes in
      let shape = [bytes.count / type.size]
      let address = bytes.baseAddress.map { Int(bitPattern: $0) } ?? 0
      if let start = bytes.baseAddress, address.isMultiple(of: type.size) {
        return Tensor(
          shape: shape, dataType: type, pointer: UnsafeMutableRawPointer(mutating: start),
          owner: file)
      }
      let copy = Tensor.zeros(shape, type)
      copy.withMutableBytes { $0.copyMemory(from: bytes) }
      return copy
    }
  }

  static func floatType(_ dtype: String) -> DataType? {
    switch dtype {
    case "F32": .float32
    case "F16": .float16
    case "BF16": .bfloat16
    default: nil
    }
  }
}

/// The sentence for weights that no model can compute with.
func notFinite(_ name: String, in path: String) -> Problem {
  Problem(
    path,
    "tensor \"\(name)\" holds a value that is infinite or not a number; the file is damaged,"
      + " download it again")
}
