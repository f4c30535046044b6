/// Paths of files in a repository. The hub's word for them becomes a path on this disk, so none may lead
/// out of the folder that it is put in.
enum RepositoryPath {
  /// Whether every component is a plain name.
  static func isSafe(_ path: String) -> Bool {
    guard (1...1024).contains(path.utf8.count) else { return false }
    return path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      .allSatisfy { part in
        let isDots = part.allSatisfy { $0 == UInt8(ascii: ".") } && part.count <= 2
        return (1...255).contains(part.count) && !isDots
          && part.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }
      }
  }

  /// The path in an address: every byte but letters, digits and `-._~` as `%XX`, slashes kept unless
  /// the whole is one component of the address.
  static func encoded(_ path: String, keepingSlashes: Bool = true) -> String {
    var text = ""
    for byte in path.utf8 {
      if isAlphanumeric(byte) || "-._~".utf8.contains(byte)
        || (keepingSlashes && byte == UInt8(ascii: "/"))
      {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }
    return text
  }

  /// The name without the folders.
  static func lastComponent(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}
