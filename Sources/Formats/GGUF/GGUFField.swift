/// A metadata value to be written. Readers ask for each key in one exact type, so the type is chosen here.
package enum GGUFField: Sendable, Equatable {
  case uint32(UInt32)
  case float32(Float)
  case bool(Bool)
  case string(String)
  case bytes([UInt8])
  case uint32s([UInt32])
  case int32s([Int32])
  case float32s([Float])
  case bools([Bool])
  case strings([String])

  /// The number of the type in the file; that of the elements for a list.
  private var typeNumber: UInt32 {
    switch self {
    case .bytes: 0
    case .uint32, .uint32s: 4
    case .int32s: 5
    case .float32, .float32s: 6
    case .bool, .bools: 7
    case .string, .strings: 8
    }
  }

  private static let listNumber: UInt32 = 9

  /// Type and value, as they follow the key.
  func append(to bytes: inout [UInt8]) {
    func list<Element>(_ elements: [Element], _ add: (Element, inout [UInt8]) -> Void) {
      bytes.append(littleEndian: Self.listNumber)
      bytes.append(littleEndian: typeNumber)
      bytes.append(littleEndian: UInt64(elements.count))
      for element in elements { add(element, &bytes) }
    }
    switch self {
    case .bytes(let values): return list(values) { $1.append($0) }
    case .uint32s(let values): return list(values) { $1.append(littleEndian: $0) }
    case .int32s(let values): return list(values) { $1.append(littleEndian: $0) }
    case .float32s(let values): return list(values) { $1.append(littleEndian: $0.bitPattern) }
    case .bools(let values): return list(values) { $1.append($0 ? 1 : 0) }
    case .strings(let values): return list(values) { $1.append(counted: $0) }
    default: bytes.append(littleEndian: typeNumber)
    }
    switch self {
    case .uint32(let value): bytes.append(littleEndian: value)
    case .float32(let value): bytes.append(littleEndian: value.bitPattern)
    case .bool(let value): bytes.append(value ? 1 : 0)
    case .string(let value): bytes.append(counted: value)
    default: break
    }
  }
}

extension [UInt8] {
  mutating func append<Value: FixedWidthInteger>(littleEndian value: Value) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }

  /// The number of UTF-8 bytes, then the bytes.
  mutating func append(counted text: String) {
    append(littleEndian: UInt64(text.utf8.count))
    append(contentsOf: text.utf8)
  }
}
