import Crypto

/// SHA-256 (FIPS 180-4) of bytes as they come, written in lower-case hexadecimal.
package struct SHA256Sum {
  private var state = SHA256()

  package init() {}

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    state.update(bufferPointer: bytes)
  }

  package mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { state.update(bufferPointer: $0) }
  }

  package mutating func update(_ text: String) { update(Array(text.utf8)) }

  /// The sum of everything so far, 64 digits.
  package var hexadecimal: String {
    state.finalize().reduce(into: "") { text, byte in
      text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
  }

  package static func of(_ bytes: [UInt8]) -> String {
    var sum = SHA256Sum()
    sum.update(bytes)
    return sum.hexadecimal
  }

  /// Reads the file in pieces, so that its size does not matter.
  package static func of(file path: String) throws(Problem) -> String {
    let input = try InputFile(path)
    var sum = SHA256Sum()
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = try input.read(into: &buffer)
      if count == 0 { return sum.hexadecimal }
      buffer.withUnsafeBytes { sum.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }
  }
}
