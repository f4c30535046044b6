/// The SHA-256 of files, each computed once: while a file stays what it is in the eyes of the file system, its
/// sum is remembered, by this object and, where there is an index, by the next process too.
package final class FileChecksums {
  private struct Entry {
    let identity: FileIdentity
    let sha256: String
  }

  /// The file that remembers; nil: nothing does.
  private let index: String?
  private var entries: [String: Entry] = [:]
  private var isChanged = false
  /// The most files in an index.
  private static let limit = 10_000

  /// - Parameter directory: Where the index is, or will be; nil: there is none.
  package init(in directory: String? = nil) {
    index = directory.map { $0 + "/files.json" }
    entries = index.map(Self.read) ?? [:]
  }

  /// The sum of a file, in hexadecimal digits.
  ///
  /// - Throws: Where it cannot be read.
  package func sha256(of path: String) throws(Problem) -> String {
    let identity = FileIdentity(path)
    if let known = entries[path], known.identity == identity { return known.sha256 }
    let sum = try SHA256Digest(ofFile: path).hex
    // A file that changed meanwhile, or has just changed, is not worth remembering.
    if let identity, identity.isSettled, identity == FileIdentity(path) {
      remember(sum, of: path, as: identity)
    }
    return sum
  }

  /// Whether a file has this sum.
  package func matches(_ path: String, _ sha256: String) throws(Problem) -> Bool {
    try self.sha256(of: path) == sha256
  }

  /// Takes the sum of a file that this process has written itself.
  package func remember(_ sha256: String, ofOwn path: String) {
    guard let identity = FileIdentity(path) else { return }
    remember(sha256, of: path, as: identity)
  }

  private func remember(_ sha256: String, of path: String, as identity: FileIdentity) {
    entries[path] = Entry(identity: identity, sha256: sha256)
    isChanged = true
  }

  /// Brings what is new into the index. Files that are gone or have changed are forgotten.
  package func save() throws {
    guard let index, isChanged else { return }
    let directory = parentDirectory(of: index)
    try createDirectory(directory)
    let lock = try DirectoryLock(waitingFor: directory)
    defer { withExtendedLifetime(lock) {} }
    // Another process may have written meanwhile.
    let all = Self.read(index).merging(entries) { $1 }.filter { FileIdentity($0) == $1.identity }
    // Where there are too many, those of this process stay.
    let paths = all.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let (own, others) = (paths.filter { entries[$0] != nil }, paths.filter { entries[$0] == nil })
    let kept = (own + others).prefix(Self.limit)
    let lines = kept.compactMap { path in all[path].map { Self.json(path, $0).text() } }
    try AtomicFile.write(index, "[\n" + lines.joined(separator: ",\n") + "\n]\n")
    isChanged = false
  }

  // MARK: The index

  private static func json(_ path: String, _ entry: Entry) -> JSON {
    let identity = entry.identity
    return [
      "path": .string(path), "size": .integer(identity.size),
      "modified": .integer(identity.modified), "changed": .integer(identity.changed),
      "inode": .string("\(identity.inode)"), "device": .string("\(identity.device)"),
      "sha256": .string(entry.sha256),
    ]
  }

  /// What an index says; nothing where there is none or it is damaged.
  private static func read(_ index: String) -> [String: Entry] {
    guard fileExists(index), let list = (try? readJSON(index))?.array else { return [:] }
    var entries: [String: Entry] = [:]
    for element in list.prefix(limit) {
      guard let path = element["path"]?.string, let identity = FileIdentity(element),
        let sum = element["sha256"]?.string, sum.utf8.count == 64
      else { continue }
      entries[path] = Entry(identity: identity, sha256: sum)
    }
    return entries
  }
}

extension FileIdentity {
  /// As an index has it; nil where something is missing.
  fileprivate init?(_ json: JSON) {
    guard let size = json["size"]?.integer, let modified = json["modified"]?.integer,
      let changed = json["changed"]?.integer,
      let inode = (json["inode"]?.string).flatMap({ UInt64($0) }),
      let device = (json["device"]?.string).flatMap({ UInt64($0) })
    else { return nil }
    self.init(
      size: size, modified: modified, changed: changed, inode: inode, device: device)
  }
}
