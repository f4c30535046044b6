/// The spelling of bytes in byte-level vocabularies: each of the 256 bytes is one visible character,
/// so that a vocabulary is a list of printable strings ("Ġthe" is a space and "the").
///
/// From GPT-2 (Radford et al., 2019): printable Latin-1 characters stand for themselves, the other
/// 68 bytes take the code points from U+0100 on, in order.
enum ByteAlphabet {
  /// byte -> code point, all below U+0144.
  static let codePoints: [UInt16] = {
    var next: UInt16 = 0x100
    return (0..<256).map { byte in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return UInt16(byte)
      default:
        next += 1
        return next - 1
      }
    }
  }()

  /// code point -> byte, or -1 for a code point that spells none.
  private static let bytes: [Int16] = {
    var table = [Int16](repeating: -1, count: 0x144)
    for (byte, codePoint) in codePoints.enumerated() { table[Int(codePoint)] = Int16(byte) }
    return table
  }()

  /// The bytes that `token` spells, or nil if it holds a character outside the alphabet.
  static func bytes(spelledBy token: String) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(token.utf8.count)
    return append(token, to: &result) ? result : nil
  }

  /// Appends the bytes that `token` spells; false, with some of them appended, if it holds a character
  /// outside the alphabet.
  static func append(_ token: String, to result: inout [UInt8]) -> Bool {
    for scalar in token.unicodeScalars {
      guard scalar.value < bytes.count, case let byte = bytes[Int(scalar.value)], byte >= 0 else {
        return false
      }
      result.append(UInt8(byte))
    }
    return true
  }

  /// The vocabulary's spelling of `bytes`.
  static func spelling(of bytes: some Sequence<UInt8>) -> String {
    var result = String.UnicodeScalarView()
    for byte in bytes {
      if let scalar = Unicode.Scalar(codePoints[Int(byte)]) { result.append(scalar) }
    }
    return String(result)
  }

  /// Appends the spelling of one byte.
  @inline(__always)
  static func appendSpelling(of byte: UInt8, from origin: Range<Int>, to text: inout AlignedText) {
    let codePoint = codePoints[Int(byte)]
    if codePoint < 0x80 { return text.append(UInt8(codePoint), from: origin) }
    text.append(UInt8(0xC0 | codePoint >> 6), from: origin)
    text.append(UInt8(0x80 | codePoint & 0x3F), from: origin)
  }
}
