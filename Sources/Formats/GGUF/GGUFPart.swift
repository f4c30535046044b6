/// One file in the format GGUF (version 2 or 3, little endian): a whole model, or a part of one.
///
/// Layout (ggml's `gguf.md`): magic, version, counts, key/value pairs, tensor descriptions, padding
/// to the alignment, tensor data. Everything is checked here, so reading a tensor cannot fail.
struct GGUFPart {
  static let maximumDimensions = 4

  let file: MappedFile
  let version: Int
  let metadata: [String: GGUFValue]
  let tensors: [String: GGUFFile.Entry]
  /// Tensor names in file order.
  let names: [String]

  /// - Parameters:
  ///   - path: The file.
  ///   - index: Its place among the parts of a model.
  init(_ path: String, index: Int = 0) throws(Problem) {
    let file = try MappedFile(path)
    var cursor = GGUFCursor(file)
    let version = try Self.header(&cursor)
    let tensorCount = try cursor.count(of: "the tensor count", itemBytes: 24)
    let keyCount = try cursor.count(of: "the metadata count", itemBytes: 13)
    let metadata = try Self.metadata(&cursor, count: keyCount)
    let descriptions = try Self.descriptions(&cursor, count: tensorCount)
    let alignment = try Self.alignment(metadata, path)

    self.file = file
    self.version = version
    self.metadata = metadata
    self.names = descriptions.map(\.name)
    self.tensors = try Self.place(
      descriptions, dataStart: cursor.offset.roundedUp(to: alignment), alignment: alignment, file,
      index: index)
  }

  private static func header(_ cursor: inout GGUFCursor) throws(Problem) -> Int {
    guard cursor.file.withBytes({ $0.prefix(4).elementsEqual(GGUFFile.magic) }) else {
      throw cursor.problem(
        "this is not a GGUF file: it does not start with \"GGUF\"; check the path, or download the"
          + " file again")
    }
    _ = try cursor.unsigned(UInt32.self, "the magic")
    let version = try cursor.unsigned(UInt32.self, "the version")
    switch version {
    case 2, 3: return Int(version)
    case 1:
      throw cursor.problem("GGUF version 1 is not supported; convert the model again")
    case _ where (1...3).contains(version.byteSwapped):
      throw cursor.problem(
        "the file is big endian, expected little endian; convert the model for this machine")
    default:
      throw cursor.problem("GGUF version \(version) is not known, expected 2 or 3")
    }
  }

  private static func metadata(
    _ cursor: inout GGUFCursor, count: Int
  ) throws(Problem) -> [String: GGUFValue] {
    var metadata: [String: GGUFValue] = [:]
    for index in 0..<count {
      let key = try cursor.string("metadata key \(index)")
      guard key.utf8.allSatisfy({ (0x21..<0x7F).contains($0) }), !key.isEmpty else {
        throw cursor.problem("metadata key \(index) is not an ASCII name; the file is damaged")
      }
      let value = try cursor.value(key)
      guard metadata.updateValue(value, forKey: key) == nil else {
        throw cursor.problem("the metadata key \"\(key)\" stands twice; the file is damaged")
      }
    }
    return metadata
  }

  private struct Description {
    let name: String
    let type: GGMLType
    let shape: [Int]
    let byteCount: Int
    let offset: UInt64
  }

  private static func descriptions(
    _ cursor: inout GGUFCursor, count: Int
  ) throws(Problem) -> [Description] {
    var descriptions: [Description] = []
    for index in 0..<count {
      let name = try cursor.string("the name of tensor \(index)")
      descriptions.append(try description(name, &cursor))
    }
    return descriptions
  }

  private static func description(
    _ name: String, _ cursor: inout GGUFCursor
  ) throws(Problem) -> Description {
    let what = "the description of tensor \"\(name)\""
    let dimensions = try cursor.unsigned(UInt32.self, what)
    guard (1...UInt32(maximumDimensions)).contains(dimensions) else {
      throw cursor.problem(
        "tensor \"\(name)\" has \(dimensions) dimensions, expected 1...\(maximumDimensions);"
          + " the file is damaged")
    }
    var shape: [Int] = []
    for _ in 0..<dimensions {
      let size = try cursor.unsigned(UInt64.self, what)
      // Bounded so that no product of the four sizes can overflow unnoticed below.
      guard size > 0, let size = Int(exactly: size) else {
        throw cursor.problem(
          "tensor \"\(name)\" has a dimension of \(size) elements; the file is damaged")
      }
      shape.insert(size, at: 0)
    }
    let number = try cursor.unsigned(UInt32.self, what)
    guard let type = GGMLType(rawValue: number) else {
      throw cursor.problem(
        "tensor \"\(name)\" has element type number \(number), which is not known; convert the"
          + " model to Q8_0, F16 or another common type")
    }
    let offset = try cursor.unsigned(UInt64.self, what)
    guard let count = shape.checkedProduct, shape[shape.count - 1] % type.blockElements == 0,
      let byteCount = [count / type.blockElements, type.blockBytes].checkedProduct
    else {
      throw cursor.problem(
        "tensor \"\(name)\" has shape \(shape), which \(type.name) cannot have; the file is damaged"
      )
    }
    return Description(
      name: name, type: type, shape: shape, byteCount: byteCount, offset: offset)
  }

  private static func alignment(
    _ metadata: [String: GGUFValue], _ path: String
  ) throws(Problem) -> Int {
    guard let value = metadata["general.alignment"] else { return 32 }
    guard let alignment = value.integer, (8...1 << 20).contains(alignment),
      alignment & (alignment - 1) == 0
    else {
      throw Problem(
        path,
        "\"general.alignment\" is \(value), expected a power of two from 8; the file is damaged")
    }
    return alignment
  }

  private static func place(
    _ descriptions: [Description], dataStart: Int, alignment: Int, _ file: MappedFile,
    index: Int
  ) throws(Problem) -> [String: GGUFFile.Entry] {
    var tensors: [String: GGUFFile.Entry] = [:]
    for tensor in descriptions {
      guard tensor.offset % UInt64(alignment) == 0 else {
        throw Problem(
          file.path,
          "tensor \"\(tensor.name)\" starts at offset \(tensor.offset), expected a multiple of"
            + " \(alignment); the file is damaged")
      }
      let available = max(file.count - dataStart, 0)
      guard tensor.offset <= UInt64(available), tensor.byteCount <= available - Int(tensor.offset)
      else {
        throw Problem(
          file.path,
          "the file is cut: tensor \"\(tensor.name)\" needs \(tensor.byteCount) bytes at"
            + " offset \(tensor.offset) and \(available) bytes of tensor data are there;"
            + " download it again")
      }
      let start = dataStart + Int(tensor.offset)
      let entry = GGUFFile.Entry(
        type: tensor.type, shape: tensor.shape, range: start..<start + tensor.byteCount,
        part: index)
      guard tensors.updateValue(entry, forKey: tensor.name) == nil else {
        throw Problem(file.path, "tensor \"\(tensor.name)\" stands twice; the file is damaged")
      }
    }
    if let (first, second) = overlap(tensors) {
      throw Problem(
        file.path, "tensors \"\(first)\" and \"\(second)\" share bytes; the file is damaged")
    }
    return tensors
  }

  private static func overlap(_ tensors: [String: GGUFFile.Entry]) -> (String, String)? {
    let sorted = tensors.sorted { $0.value.range.lowerBound < $1.value.range.lowerBound }
    for (a, b) in zip(sorted, sorted.dropFirst())
    where b.value.range.lowerBound < a.value.range.upperBound { return (a.key, b.key) }
    return nil
  }
}
