import CCrypto

/// A running checksum as libcrypto keeps it. Its functions fail only where memory is exhausted.
final class DigestState {
  enum Algorithm { case sha1, sha256 }

  private let context: OpaquePointer

  private init(_ begin: (OpaquePointer) -> Int32) {
    guard let context = EVP_MD_CTX_new() else { fatalError("no memory for a checksum") }
    self.context = context
    precondition(begin(context) == 1, "libcrypto lacks a checksum")
  }

  convenience init(_ algorithm: Algorithm) {
    let function = algorithm == .sha1 ? EVP_sha1() : EVP_sha256()
    self.init { EVP_DigestInit_ex($0, function, nil) }
  }

  convenience init(copying other: DigestState) {
    self.init { EVP_MD_CTX_copy_ex($0, other.context) }
  }

  deinit { EVP_MD_CTX_free(context) }

  func update(_ bytes: UnsafeRawBufferPointer) {
    precondition(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1, "checksum")
  }

  /// The sum of everything so far in lower-case hexadecimal digits; the state stays as it is.
  var hex: String { DigestState(copying: self).finish() }

  private func finish() -> String {
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var count: UInt32 = 0
    precondition(EVP_DigestFinal_ex(context, &digest, &count) == 1, "checksum")
    return digest.prefix(Int(count)).reduce(into: "") { text, byte in
      text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
  }
}
