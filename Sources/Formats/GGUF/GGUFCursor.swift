/// Reads the little-endian fields of a GGUF file in order; every length is checked against the bytes
/// that are left before anything is allocated for it.
struct GGUFCursor {
  static let maximumNesting = 8

  let file: MappedFile
  private(set) var offset = 0

  init(_ file: MappedFile) { self.file = file }

  var remaining: Int { file.count - offset }

  func problem(_ sentence: String) -> Problem { Problem(file.path, sentence) }

  func cut(_ what: String) -> Problem {
    problem(
      "the file is cut or damaged: \(what) at byte \(offset) does not fit into the"
        + " \(file.count) bytes of the file; download it again")
  }

  /// Where a list or string of `count` items of at least `itemBytes` bytes is announced.
  mutating func count(of what: String, itemBytes: Int) throws(Problem) -> Int {
    let count = try unsigned(UInt64.self, what)
    guard count <= UInt64(remaining / itemBytes) else {
      throw cut("\(what) of \(count)")
    }
    return Int(count)
  }

  mutating func unsigned<Value: FixedWidthInteger>(
    _ type: Value.Type, _ what: String
  ) throws(Problem) -> Value {
    let size = MemoryLayout<Value>.size
    guard remaining >= size else { throw cut(what) }
    defer { offset += size }
    return file.withBytes(offset..<offset + size) {
      Value(littleEndian: $0.loadUnaligned(as: Value.self))
    }
  }

  mutating func string(_ what: String) throws(Problem) -> String {
    let length = try count(of: "the length of \(what)", itemBytes: 1)
    defer { offset += length }
    let text = file.withBytes(offset..<offset + length) { String(validating: $0, as: UTF8.self) }
    guard let text else {
      throw problem(
        "\(what) at byte \(offset) is not UTF-8 text; the file is damaged or not a GGUF file")
    }
    return text
  }

  mutating func value(_ key: String) throws(Problem) -> GGUFValue {
    let type = try unsigned(UInt32.self, "the type of \"\(key)\"")
    return try value(key, type: type, depth: 0)
  }

  private mutating func value(
    _ key: String, type: UInt32, depth: Int
  ) throws(Problem) -> GGUFValue {
    let what = "the value of \"\(key)\""
    switch type {
    case 0: return .integer(Int(try unsigned(UInt8.self, what)))
    case 1: return .integer(Int(try unsigned(Int8.self, what)))
    case 2: return .integer(Int(try unsigned(UInt16.self, what)))
    case 3: return .integer(Int(try unsigned(Int16.self, what)))
    case 4: return .integer(Int(try unsigned(UInt32.self, what)))
    case 5: return .integer(Int(try unsigned(Int32.self, what)))
    case 6: return .number(Double(Float(bitPattern: try unsigned(UInt32.self, what))))
    case 7: return .bool(try unsigned(UInt8.self, what) != 0)
    case 8: return .string(try string(what))
    case 9: return try list(key, depth: depth + 1)
    case 10:
      let value = try unsigned(UInt64.self, what)
      return Int(exactly: value).map(GGUFValue.integer) ?? .unsigned(value)
    case 11: return .integer(Int(try unsigned(Int64.self, what)))
    case 12: return .number(Double(bitPattern: try unsigned(UInt64.self, what)))
    default:
      throw problem(
        "\"\(key)\" has value type \(type), expected 0...12; the file is damaged or of a newer"
          + " version")
    }
  }

  private mutating func list(_ key: String, depth: Int) throws(Problem) -> GGUFValue {
    let what = "the list \"\(key)\""
    guard depth <= Self.maximumNesting else {
      throw problem(
        "\(what) is nested deeper than \(Self.maximumNesting) levels; the file is damaged")
    }
    let type = try unsigned(UInt32.self, what)
    let minimumBytes = [1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8]
    guard type < minimumBytes.count else {
      throw problem("\(what) has element type \(type), expected 0...12; the file is damaged")
    }
    let count = try count(of: what, itemBytes: minimumBytes[Int(type)])
    switch type {
    case 6:
      return .numbers(
        try elements(count) { (c) throws(Problem) in
          Double(Float(bitPattern: try c.unsigned(UInt32.self, what)))
        })
    case 12:
      return .numbers(
        try elements(count) { (c) throws(Problem) in
          Double(bitPattern: try c.unsigned(UInt64.self, what))
        })
    case 7:
      return .bools(
        try elements(count) { (c) throws(Problem) in try c.unsigned(UInt8.self, what) != 0 })
    case 8:
      let element = "an element of \"\(key)\""
      return .strings(try elements(count) { (c) throws(Problem) in try c.string(element) })
    default:
      let values = try elements(count) { (c) throws(Problem) in
        try c.value(key, type: type, depth: depth)
      }
      let integers = values.compactMap(\.integer)
      return integers.count == count && count > 0 ? .integers(integers) : .list(values)
    }
  }

  private mutating func elements<Element>(
    _ count: Int, _ read: (inout GGUFCursor) throws(Problem) -> Element
  ) throws(Problem) -> [Element] {
    var elements: [Element] = []
    // A short list of large elements must not reserve what a hostile count asks for.
    elements.reserveCapacity(min(count, 1 << 20))
    for _ in 0..<count { elements.append(try read(&self)) }
    return elements
  }
}
