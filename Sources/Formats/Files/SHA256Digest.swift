/// The SHA-256 (FIPS 180-4) of a run of bytes.
package struct SHA256Digest: Sendable, Equatable {
  /// 64 lower-case hexadecimal digits.
  package let hex: String
  /// How many bytes went in.
  package let byteCount: Int

  package init(of bytes: [UInt8]) {
    var stream = SHA256Stream()
    stream.update(bytes)
    self = stream.digest
  }

  /// Reads the file in pieces, so that its size does not matter.
  package init(ofFile path: String) throws(Problem) {
    let input = try InputFile(path)
    var stream = SHA256Stream()
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = try input.read(into: &buffer)
      if count == 0 { break }
      buffer.withUnsafeBytes { stream.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }
    self = stream.digest
  }

  fileprivate init(hex: String, byteCount: Int) {
    self.hex = hex
    self.byteCount = byteCount
  }
}

/// A SHA-256 of bytes as they come.
package struct SHA256Stream {
  private var state = DigestState(.sha256)
  private var byteCount = 0

  package init() {}

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    if !isKnownUniquelyReferenced(&state) { state = DigestState(copying: state) }
    state.update(bytes)
    byteCount += bytes.count
  }

  package mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  /// Of everything so far.
  package var digest: SHA256Digest {
    SHA256Digest(hex: state.hex, byteCount: byteCount)
  }
}
