/// A byte that is not UTF-8.
struct UTF8Fault {
  let place: Int
  private let byte: UInt8
  private let isHalfCharacter: Bool

  init(_ bytes: [UInt8], at place: Int) {
    self.place = place
    byte = bytes[place]
    // How a half of a surrogate pair would be written, see `UTF16Stream`.
    isHalfCharacter = byte == 0xED && place + 1 < bytes.count && bytes[place + 1] >= 0xA0
  }

  /// The first such byte of a range, nil where all of it is UTF-8.
  init?(_ bytes: [UInt8], in range: Range<Int>) {
    do throws(UTF8.ValidationError) {
      _ = try UTF8Span(validating: bytes.span.extracting(range))
      return nil
    } catch {
      self.init(bytes, at: range.lowerBound + error.byteOffsets.lowerBound)
    }
  }

  /// - Parameter column: The byte's place in its line, from 1.
  func sentence(column: Int) -> String {
    if isHalfCharacter {
      return
        "byte \(column) of the line begins half of a surrogate pair, which is no character and not UTF-8;"
        + " write the character in full or remove it"
    }
    let digits = String(byte, radix: 16, uppercase: true)
    return
      "byte \(column) of the line, 0x\(digits), is not UTF-8 (perhaps the file is Windows-1252, also called"
      + " ANSI or Latin-1); save it as UTF-8"
  }
}
