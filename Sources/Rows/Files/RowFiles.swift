package import Formats

/// The files of rows that a path in a recipe or a command stands for: itself, those in a folder, or those
/// that a pattern names.
package struct RowFiles {
  /// Sorted by path, each file once.
  package let files: [String]
  /// What lies in the folder and is no file of rows.
  package let skipped: [String]

  /// The files alone.
  ///
  /// - Throws: Where there are none, and where one holds rows in a way that is not read.
  package static func expand(_ path: String) throws(Problem) -> [String] {
    try RowFiles(path).files
  }

  /// - Throws: Where there are no files of rows, and where one holds rows in a way that is not read.
  package init(_ path: String) throws(Problem) {
    let found: [String]
    if fileExists(path) {
      // Also a file whose name has a star in it.
      (files, skipped) = ([path], [])
      return
    } else if directoryExists(path) {
      found = try FolderWalk.files(below: path)
    } else {
      let pattern = PathPattern(path)
      guard pattern.isPattern else { throw Problem(path, "there is no such file; check the path") }
      found = try pattern.files()
      guard !found.isEmpty else {
        throw Problem(path, "no file has such a name; check the pattern (\"**\" goes into folders)")
      }
    }
    let readable = found.filter { RowFileKind($0) != nil }
    skipped = found.filter { RowFileKind($0) == nil }
    for file in skipped {
      if let advice = RowFileKind.advice(file) { throw Problem(file, advice) }
    }
    files = Self.once(readable)
    guard !files.isEmpty else { throw Self.nothing(path, skipped) }
    if directoryExists(path) { try Self.checkMixture(path, files) }
  }

  /// Each file under the first of its paths.
  private static func once(_ paths: [String]) -> [String] {
    var seen: Set<[UInt8]> = []
    return paths.filter { seen.insert(Array(resolvedPath($0).utf8)).inserted }
  }

  private static func nothing(_ path: String, _ skipped: [String]) -> Problem {
    let kinds = "expected \(RowFileKind.names)"
    guard let first = skipped.first else {
      return Problem(path, "there are no files in it, \(kinds)")
    }
    let others = skipped.count == 1 ? "" : " and \(skipped.count - 1) more"
    return Problem(path, "there are no files of rows in it, only \(first)\(others); \(kinds)")
  }

  /// A README beside rows is hardly meant to be learnt, and rows beside documents may be.
  private static func checkMixture(_ path: String, _ files: [String]) throws(Problem) {
    guard let document = files.first(where: { RowFileKind($0) == .document }),
      let rows = files.first(where: { RowFileKind($0) != .document })
    else { return }
    throw Problem(
      path,
      "the folder holds documents (\(document)) beside rows (\(rows)); say which are meant with a pattern such as"
        + " \(path.hasSuffix("/") ? path : path + "/")**/*.jsonl")
  }
}
