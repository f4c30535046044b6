/// A safetensors file, mapped: a JSON header that places named tensors in the bytes after it.
///
/// Layout: 8 bytes little-endian header length N, N bytes of JSON, tensor data. The header is
/// checked in full when the file is opened, so reading a tensor cannot fail.
package final class SafetensorsFile: Sendable {
  package struct Entry: Sendable, Equatable {
    /// As the file says it, such as `BF16`.
    package let dtype: String
    package let shape: [Int]
    /// Byte range in the file.
    package let range: Range<Int>
  }

  /// The limit of the reference implementation.
  static let maximumHeaderBytes = 100_000_000

  package let file: MappedFile
  package let metadata: [String: String]
  package let tensors: [String: Entry]
  /// Tensor names in the order of their data.
  package let names: [String]

  package var path: String { file.path }

  /// - Throws: A `Problem` for a file that is cut, damaged or not safetensors.
  package init(_ path: String) throws(Problem) {
    let file = try MappedFile(path)
    let headerEnd = try Self.headerEnd(file)
    let header: JSON
    do {
      header = try JSONParser.parse(file.withBytes(8..<headerEnd) { Array($0) })
    } catch {
      throw Problem(
        path,
        "the header is not valid JSON (column \(error.column): \(error.message)); the file is"
          + " damaged, download it again")
    }
    guard let members = header.object?.members else {
      throw Problem(path, "the header is \(header.kindName), expected an object")
    }
    var metadata: [String: String] = [:]
    var tensors: [String: Entry] = [:]
    for (name, value) in members {
      if name == "__metadata__" {
        metadata = try Self.metadata(value, path)
        continue
      }
      let entry = try Self.entry(name, value, dataStart: headerEnd, file)
      guard tensors.updateValue(entry, forKey: name) == nil else {
        throw Problem(path, "tensor \"\(name)\" stands twice in the header; the file is damaged")
      }
    }
    self.file = file
    self.metadata = metadata
    self.tensors = tensors
    self.names = try Self.checkedOrder(tensors, dataStart: headerEnd, file)
  }

  /// Calls `body` with the bytes of a tensor that `tensors` lists; they must not escape.
  package func withBytes<Result, Failure: Error>(
    of name: String, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard let entry = tensors[name] else { preconditionFailure("no tensor \(name) in \(path)") }
    return try file.withBytes(entry.range, body)
  }

  /// Bits of one element, or nil for a type that is not in the format.
  package static func elementBits(_ dtype: String) -> Int? {
    switch dtype {
    case "F64", "I64", "U64", "C64": 64
    case "F32", "I32", "U32": 32
    case "F16", "BF16", "I16", "U16": 16
    case "BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ": 8
    case "F6_E2M3", "F6_E3M2": 6
    case "F4": 4
    default: nil
    }
  }

  /// Bytes of a tensor, or nil where type and shape make no whole number of bytes.
  package static func byteCount(_ dtype: String, _ shape: [Int]) -> Int? {
    guard let bits = elementBits(dtype), let count = shape.checkedProduct,
      let total = [count, bits].checkedProduct, total % 8 == 0
    else { return nil }
    return total / 8
  }

  // MARK: - Checks

  private static func headerEnd(_ file: MappedFile) throws(Problem) -> Int {
    guard file.count >= 8 else {
      throw Problem(
        file.path,
        "the file has \(file.count) bytes, too few for safetensors; download it again")
    }
    let length = file.withBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
    guard length <= UInt64(maximumHeaderBytes) else {
      throw Problem(
        file.path,
        "the header claims \(length) bytes, at most \(maximumHeaderBytes) are allowed; this is not"
          + " a safetensors file, or it is damaged")
    }
    guard Int(length) <= file.count - 8 else {
      throw Problem(
        file.path,
        "the file is cut: its header has \(length) bytes and \(file.count - 8) are there;"
          + " download it again")
    }
    return 8 + Int(length)
  }

  private static func metadata(_ value: JSON, _ path: String) throws(Problem) -> [String: String] {
    guard let members = value.object?.members else {
      throw Problem(path, "\"__metadata__\" is \(value.kindName), expected an object of strings")
    }
    var metadata: [String: String] = [:]
    for (key, value) in members {
      guard let text = value.string else {
        throw Problem(
          path, "\"__metadata__\" has \(value.kindName) under \"\(key)\", expected a string")
      }
      metadata[key] = text
    }
    return metadata
  }

  private static func entry(
    _ name: String, _ value: JSON, dataStart: Int, _ file: MappedFile
  ) throws(Problem) -> Entry {
    func problem(_ sentence: String) -> Problem {
      Problem(file.path, "tensor \"\(name)\" \(sentence)")
    }
    guard let dtype = value["dtype"]?.string, let sizes = value["shape"]?.array,
      let offsets = value["data_offsets"]?.array, offsets.count == 2
    else {
      throw problem("lacks \"dtype\", \"shape\" or \"data_offsets\" in the header")
    }
    let shape = sizes.compactMap(\.integer)
    guard shape.count == sizes.count, shape.allSatisfy({ $0 >= 0 }) else {
      throw problem("has a shape that is not a list of sizes; the file is damaged")
    }
    guard elementBits(dtype) != nil else {
      throw problem("has element type \"\(dtype)\", which is not known; convert it to F32 or BF16")
    }
    guard let byteCount = byteCount(dtype, shape) else {
      throw problem("has shape \(shape), which makes no possible size; the file is damaged")
    }
    guard let start = offsets[0].integer, let end = offsets[1].integer, 0 <= start, start <= end,
      end - start == byteCount
    else {
      throw problem(
        "is \(dtype) \(shape), \(byteCount) bytes, but its data_offsets are"
          + " \(value["data_offsets"]?.text() ?? ""); the file is damaged")
    }
    guard end <= file.count - dataStart else {
      throw Problem(
        file.path,
        "the file is cut: tensor \"\(name)\" ends at byte \(end) of the data and"
          + " \(file.count - dataStart) bytes are there; download it again")
    }
    return Entry(dtype: dtype, shape: shape, range: dataStart + start..<dataStart + end)
  }

  /// Names in the order of their data, which must fill the file without holes or overlaps.
  private static func checkedOrder(
    _ tensors: [String: Entry], dataStart: Int, _ file: MappedFile
  ) throws(Problem) -> [String] {
    let sorted = tensors.sorted {
      ($0.value.range.lowerBound, $0.value.range.upperBound, $0.key)
        < ($1.value.range.lowerBound, $1.value.range.upperBound, $1.key)
    }
    var end = dataStart
    for (name, entry) in sorted {
      let start = entry.range.lowerBound
      guard start == end else {
        let what = start < end ? "overlaps the tensor before it" : "leaves a hole before it"
        throw Problem(file.path, "tensor \"\(name)\" \(what); the file is damaged")
      }
      end = entry.range.upperBound
    }
    guard end == file.count else {
      throw Problem(
        file.path,
        "\(file.count - end) bytes follow the last tensor, expected none; the file is damaged")
    }
    return sorted.map(\.key)
  }
}
