/// A directory that appears complete or not at all.
///
/// It is built as `.NAME.partial` beside its destination; `commit` brings every file to the disk and
/// renames. A crash leaves at most a `.partial`, which the next attempt or `removeLeftovers` removes.
package final class AtomicDirectory {
  package let destination: String
  /// Where to put the files until `commit`.
  package let path: String
  private let replaces: Bool
  private var isPending = true

  /// Starts an empty directory, and the directories above it.
  ///
  /// Throws where the destination holds something already, unless `replacing`.
  package init(_ destination: String, replacing: Bool = false) throws(Problem) {
    let name = lastPathComponent(destination)
    guard !["", ".", "..", "/"].contains(name) else {
      throw Problem(destination, "this cannot be created; name a new directory")
    }
    self.destination = destination
    self.path = PartialName.file(destination)
    self.replaces = replacing
    if !replacing { try Self.requireFree(destination) }
    try createDirectory(parentDirectory(of: destination))
    try removeTree(path)
    try createDirectory(path)
  }

  deinit { abandon() }

  /// Builds a whole directory, given the path to put the files under; one that is there is replaced
  /// once the new one is complete.
  package static func write(_ destination: String, _ body: (String) throws -> Void) throws {
    let directory = try AtomicDirectory(destination, replacing: true)
    try body(directory.path)
    try directory.commit()
  }

  /// Makes the directory permanent under its real name.
  package func commit() throws(Problem) {
    precondition(isPending, "\(destination) was committed or abandoned before")
    try synchronizeTree(path)
    if replaces, try !isEmptyOrMissing(destination) {
      try replace()
    } else {
      try renamePermanently(path, to: destination)
    }
    isPending = false
  }

  /// Removes what was built so far.
  package func abandon() {
    guard isPending else { return }
    isPending = false
    try? removeTree(path)
  }

  /// Removes what crashed attempts left in `directory`, and puts back a directory whose replacement
  /// did not come to its end. Nobody else may be writing these names. Returns those that were removed.
  ///
  /// - Parameter originals: The real names whose temporary ones are looked for; nil: all.
  @discardableResult
  package static func removeLeftovers(
    in directory: String, of originals: [String]? = nil
  ) throws(Problem) -> [String] {
    guard directoryExists(directory) else { return [] }
    let names = try directoryEntries(directory)
    var removed: [String] = []
    for name in names where isLeftover(name, of: originals) {
      if let original = PartialName.original(name, PartialName.replacedSuffix),
        try isEmptyOrMissing("\(directory)/\(original)")
      {
        try renamePermanently("\(directory)/\(name)", to: "\(directory)/\(original)")
      } else {
        try removeTree("\(directory)/\(name)")
        removed.append(name)
      }
    }
    return removed
  }

  private static func isLeftover(_ name: String, of originals: [String]?) -> Bool {
    [PartialName.partialSuffix, PartialName.replacedSuffix].contains { suffix in
      guard let original = PartialName.original(name, suffix) else { return false }
      return originals?.contains(original) ?? true
    }
  }

  /// Two renames: no file system call that exchanges names exists everywhere. Between them only
  /// `.NAME.replaced` exists, which `removeLeftovers` puts back.
  private func replace() throws(Problem) {
    let old = PartialName.replaced(destination)
    try removeTree(old)
    try renamePermanently(destination, to: old)
    try renamePermanently(path, to: destination)
    try removeTree(old)
  }

  private static func requireFree(_ destination: String) throws(Problem) {
    guard try isEmptyOrMissing(destination) else {
      throw Problem(
        destination, "it exists already and is not empty; remove it or choose another directory")
    }
  }
}

private func isEmptyOrMissing(_ path: String) throws(Problem) -> Bool {
  if fileExists(path) { return false }
  guard directoryExists(path) else { return true }
  return try directoryEntries(path).isEmpty
}
