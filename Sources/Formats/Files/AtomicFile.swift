/// Writes a file so that its name never shows half of it: under a temporary sibling name first, then
/// to the disk, then renamed.
package enum AtomicFile {
  /// Replaces or creates `path` with what `body` writes.
  package static func write(
    _ path: String, _ body: (OutputFile) throws -> Void
  ) throws {
    let partial = PartialName.file(path)
    do {
      let file = try OutputFile(partial)
      try body(file)
      try file.synchronize()
      try file.close()
      try renamePermanently(partial, to: path)
    } catch {
      // The first fault is the one to tell; a leftover is removed with the next attempt.
      try? removeTree(partial)
      throw error
    }
  }

  package static func write(_ path: String, _ bytes: [UInt8]) throws {
    try write(path) { try $0.write(bytes) }
  }

  package static func write(_ path: String, _ text: String) throws {
    try write(path, Array(text.utf8))
  }
}

/// Temporary names beside the real one: `.NAME.partial` while it is built, `.NAME.replaced` for the
/// moment in which a new directory takes an old one's place.
enum PartialName {
  static let partialSuffix = ".partial"
  static let replacedSuffix = ".replaced"

  static func file(_ path: String) -> String { sibling(path, partialSuffix) }
  static func replaced(_ path: String) -> String { sibling(path, replacedSuffix) }

  /// The real name of a temporary one that ends in `suffix`.
  static func original(_ name: String, _ suffix: String) -> String? {
    guard name.utf8.count > suffix.utf8.count + 1, name.hasPrefix("."), name.hasSuffix(suffix)
    else { return nil }
    return String(name.dropFirst().dropLast(suffix.count))
  }

  private static func sibling(_ path: String, _ suffix: String) -> String {
    let name = ".\(lastPathComponent(path))\(suffix)"
    let parent = parentDirectory(of: path)
    return parent == "." && !path.hasPrefix("./") ? name : "\(parent)/\(name)"
  }
}
