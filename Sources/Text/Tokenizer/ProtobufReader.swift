import Formats

/// Reads the fields of a protocol buffer one by one.
struct ProtobufReader {
  enum Value {
    case integer(UInt64)
    case fixed32(UInt32)
    case bytes(ArraySlice<UInt8>)
    case other
  }

  private var rest: ArraySlice<UInt8>
  private let place: String

  init(_ bytes: ArraySlice<UInt8>, place: String) {
    rest = bytes
    self.place = place
  }

  /// The next field, or nil at the end.
  ///
  /// - Throws: A `Problem` where the buffer is cut or is none.
  mutating func next() throws(Problem) -> (number: Int, value: Value)? {
    if rest.isEmpty { return nil }
    let key = try variable()
    guard let number = Int(exactly: key >> 3), number > 0 else { throw damaged("a field number") }
    switch key & 7 {
    case 0: return (number, .integer(try variable()))
    case 1:
      _ = try take(8)
      return (number, .other)
    case 2:
      guard let length = Int(exactly: try variable()) else { throw damaged("a length") }
      return (number, .bytes(try take(length)))
    case 5:
      let bits = try take(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      return (number, .fixed32(bits))
    default: throw damaged("a field's type")
    }
  }

  private mutating func variable() throws(Problem) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard let byte = rest.popFirst() else { throw damaged("a number") }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw damaged("a number")
  }

  private mutating func take(_ count: Int) throws(Problem) -> ArraySlice<UInt8> {
    guard count <= rest.count else { throw damaged("a field of \(count) bytes") }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  private func damaged(_ what: String) -> Problem {
    Problem(
      place, "this is no SentencePiece model, or it is cut: \(what) is wrong; download it again")
  }
}
