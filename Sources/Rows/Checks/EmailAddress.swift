/// Finds e-mail addresses, as RFC 5321 has them in daily use.
enum EmailAddress {
  @Sendable static func first(in bytes: [UInt8], from start: Int = 0) -> Range<Int>? {
    var start = start
    while let at = bytes[start...].firstIndex(of: UInt8(ascii: "@")) {
      start = at + 1
      if let range = address(around: at, in: bytes) { return range }
    }
    return nil
  }

  private static func address(around at: Int, in bytes: [UInt8]) -> Range<Int>? {
    var start = at
    while start > 0, isLocal(bytes, start - 1), at - start < 64 { start -= 1 }
    while start < at, !bytes.isASCIIWord(start) { start += 1 }
    guard start < at, bytes.isASCIIWord(at - 1) else { return nil }
    // A part of a path, of a URL with a password, or of a word in another script.
    guard start == 0 || !(bytes[start - 1] >= 0x80 || "/:@=".utf8.contains(bytes[start - 1])) else {
      return nil
    }
    guard let end = domainEnd(bytes, from: at + 1) else { return nil }
    let local = String(decoding: bytes[start..<at], as: UTF8.self).lowercased()
    let domain = String(decoding: bytes[(at + 1)..<end], as: UTF8.self).lowercased()
    let isReserved =
      reservedDomains.contains(domain) || reservedEndings.contains { domain.hasSuffix($0) }
    let ending = domain.split(separator: ".").last.map(String.init) ?? ""
    guard local != "git", !isReserved, !fileEndings.contains(ending) else { return nil }
    return start..<end
  }

  private static func isLocal(_ bytes: [UInt8], _ index: Int) -> Bool {
    bytes.isASCIIWord(index) || "._%+-".utf8.contains(bytes[index])
  }

  /// The end of labels with dots between them, the last of letters.
  private static func domainEnd(_ bytes: [UInt8], from start: Int) -> Int? {
    var end = start
    var best: Int?
    var labels = 0
    while true {
      let label = end
      while bytes.isASCIIWord(end) || (end > label && bytes.has("-", at: end)) { end += 1 }
      guard end > label, end - label <= 63 else { return best }
      labels += 1
      let isName = (label..<end).allSatisfy(bytes.isLetter)
      if labels > 1 { best = isName && (2...24).contains(end - label) ? end : nil }
      guard bytes.has(".", at: end), bytes.isASCIIWord(end + 1) else { return best }
      end += 1
    }
  }

  /// RFC 2606 and 6761: nobody lives there.
  private static let reservedDomains: Set<String> = ["example.com", "example.org", "example.net"]
  private static let reservedEndings = [".example", ".test", ".invalid", ".localhost", ".local"]
  /// "logo@2x.png" is no address.
  private static let fileEndings: Set<String> = [
    "png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "ts", "json", "py", "swift", "html",
    "md", "txt", "yml", "yaml",
  ]
}
