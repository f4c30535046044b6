/// A checksum that a store of files gives as their name, and the bytes that are held against it.
///
/// Git names a small file by the SHA-1 of `blob SIZE\0` and its bytes; large files lie outside of git
/// (LFS) under the SHA-256 of their bytes alone.
package struct ContentChecksum {
  private let state: DigestState
  private let expected: String

  /// - Parameters:
  ///   - name: 40 hexadecimal digits (a git blob) or 64 (SHA-256); nil is returned for anything else.
  ///   - byteCount: Of the whole file; a git blob's checksum begins with it.
  package init?(named name: String, byteCount: Int) {
    let digits = name.lowercased()
    guard digits.utf8.allSatisfy({ isHexadecimal($0) }) else { return nil }
    switch digits.utf8.count {
    case 40:
      let sum = DigestState(.sha1)
      Array("blob \(byteCount)\0".utf8).withUnsafeBytes { sum.update($0) }
      state = sum
    case 64: state = DigestState(.sha256)
    default: return nil
    }
    expected = digits
  }

  package func update(_ bytes: UnsafeRawBufferPointer) { state.update(bytes) }

  /// Goes on with the bytes of a file.
  package func update(withFile path: String) throws(Problem) {
    let input = try InputFile(path)
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = try input.read(into: &buffer)
      if count == 0 { return }
      buffer.withUnsafeBytes { update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }
  }

  /// The checksum of the bytes so far.
  package var actual: String { state.hex }
  /// Whether they are what the name promises.
  package var matches: Bool { actual == expected }
}

private func isHexadecimal(_ byte: UInt8) -> Bool {
  (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
}
