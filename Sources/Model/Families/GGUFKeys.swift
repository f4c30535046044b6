import Foundation
import Formats

/// Reads the keys of a model in a GGUF file, such as `llama.block_count`, and collects what is wrong with
/// them.
package struct GGUFKeys {
  let file: GGUFFile
  /// What the keys of the model begin with.
  let architecture: String
  var problems: [String] = []

  /// Keys may be read for more than one purpose; each problem is named once.
  mutating func report(_ problem: String) {
    if !problems.contains(problem) { problems.append(problem) }
  }

  init(_ file: GGUFFile) {
    self.file = file
    architecture = file.metadata["general.architecture"]?.string ?? "not named"
  }

  // MARK: - Values

  /// The name of a key of the model.
  func full(_ key: String) -> String { "\(architecture).\(key)" }

  func value(_ key: String) -> GGUFValue? { file.metadata[full(key)] }

  func hasTensor(_ name: String) -> Bool { file.tensors[name] != nil }

  mutating func integer(_ key: String, default standard: Int? = nil) -> Int? {
    guard let value = value(key) else {
      if standard == nil { report("the key \"\(full(key))\" is missing") }
      return standard
    }
    if let list = value.integers, let first = list.first, list.allSatisfy({ $0 == first }) {
      return first
    }
    guard let integer = value.integer else {
      report("\"\(full(key))\" is \(value), expected one whole number for all layers")
      return standard
    }
    return integer
  }

  mutating func number(_ key: String, default standard: Double? = nil) -> Double? {
    guard let value = value(key) else {
      if standard == nil { report("the key \"\(full(key))\" is missing") }
      return standard
    }
    guard let number = value.number else {
      report("\"\(full(key))\" is \(value), expected a number")
      return standard
    }
    // A float32 widened to a Double shows digits that nobody wrote: 1e-5 as 9.999999747378752e-06.
    return Double(Float(number).description) ?? number
  }

  func bool(_ key: String, default standard: Bool) -> Bool { value(key)?.bool ?? standard }

  /// The elements of a head; what is rotated may be fewer.
  mutating func headDimension() -> Int {
    let hidden = integer("embedding_length") ?? 1
    let heads = integer("attention.head_count") ?? 1
    let key = integer("attention.key_length", default: hidden / max(heads, 1)) ?? 1
    let value = integer("attention.value_length", default: key) ?? key
    // What follows from a missing key is no problem of its own.
    if problems.isEmpty, value != key {
      report(
        "key and value dimensions of a head are \(key) and \(value); they must be equal")
    }
    return key
  }

  /// The share of a head that is rotated.
  mutating func rotatedFraction() -> Double {
    let dimension = headDimension()
    let rotated = integer("rope.dimension_count", default: dimension) ?? dimension
    return Double(rotated) / Double(max(dimension, 1))
  }

  /// The float32 numbers of a small tensor; nil where there is none, or of another type.
  func numbers(ofTensor name: String) -> [Double]? {
    guard let entry = file.tensors[name], entry.type == .f32, entry.shape.count == 1 else {
      return nil
    }
    return file.withBytes(of: name) { bytes in
      (0..<entry.shape[0]).map {
        let number = bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)
        return Double(number.description) ?? Double(number)
      }
    }
  }
}
