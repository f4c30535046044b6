import CCrypto

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
  private var state = State()
  private var byteCount = 0

  package init() {}

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    if !isKnownUniquelyReferenced(&state) { state = State(copying: state) }
    state.update(bytes)
    byteCount += bytes.count
  }

  package mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  /// Of everything so far.
  package var digest: SHA256Digest {
    let hex = State(copying: state).finish().reduce(into: "") { text, byte in
      text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    return SHA256Digest(hex: hex, byteCount: byteCount)
  }
}

/// The running sum as libcrypto keeps it. Its functions fail only where memory is exhausted.
private final class State {
  private let context: OpaquePointer

  private init(_ begin: (OpaquePointer) -> Int32) {
    guard let context = EVP_MD_CTX_new() else { fatalError("no memory for a checksum") }
    self.context = context
    precondition(begin(context) == 1, "libcrypto has no SHA-256")
  }

  convenience init() { self.init { EVP_DigestInit_ex($0, EVP_sha256(), nil) } }

  convenience init(copying other: State) { self.init { EVP_MD_CTX_copy_ex($0, other.context) } }

  deinit { EVP_MD_CTX_free(context) }

  func update(_ bytes: UnsafeRawBufferPointer) {
    precondition(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1, "SHA-256")
  }

  /// The 32 bytes of the sum; the state is used up.
  func finish() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    precondition(EVP_DigestFinal_ex(context, &digest, nil) == 1, "SHA-256")
    return digest
  }
}
