/// Finds private keys and access tokens by the marks that their issuers give them.
enum Secret {
  @Sendable static func first(in bytes: [UInt8], from start: Int = 0) -> Range<Int>? {
    var start = start
    while let found = marks.first(in: bytes, from: start) {
      start = found.range.upperBound
      guard let minimum = least[found.text], !bytes.isWord(found.range.lowerBound - 1) else {
        continue
      }
      if minimum == 0 { return found.range.lowerBound..<endOfKey(bytes, from: start) }
      var end = start
      while end < bytes.count, bytes.isASCIIWord(end) || "_-".utf8.contains(bytes[end]) { end += 1 }
      let body = bytes[start..<end]
      // Placeholders such as "sk-xxxxxxxx" have no variety.
      if body.count >= minimum, Set(body).count >= 10 { return found.range.lowerBound..<end }
    }
    return nil
  }

  /// Where a private key ends: Base64 in lines, and the line that closes it, where there is one.
  private static func endOfKey(_ bytes: [UInt8], from start: Int) -> Int {
    func end(of marks: String, from start: Int) -> Int {
      var end = start
      while end < bytes.count, bytes.isASCIIWord(end) || marks.utf8.contains(bytes[end]) {
        end += 1
      }
      return end
    }
    let closing = end(of: "+/= \t\r\n\\", from: start)
    guard bytes[closing...].starts(with: "-----END ".utf8) else {
      return end(of: "+/=\r\n\\", from: start)
    }
    return end(of: "-", from: end(of: " ", from: closing + 9))
  }

  /// How many characters follow at least.
  private static let least: [String: Int] = [
    "-----BEGIN PRIVATE KEY-----": 0, "-----BEGIN RSA PRIVATE KEY-----": 0,
    "-----BEGIN EC PRIVATE KEY-----": 0, "-----BEGIN OPENSSH PRIVATE KEY-----": 0, "AKIA": 16,
    "ghp_": 36, "gho_": 36, "github_pat_": 36, "glpat-": 20, "hf_": 30, "sk-": 32, "sk_live_": 20,
    "xoxb-": 30, "xoxp-": 30, "AIza": 35,
  ]
  private static let marks = BytePatterns(Array(least.keys))
}
