import Formats

/// The files below a folder. Hidden ones are left out, and a folder that is met again by a link.
struct FolderWalk {
  private static let mostFiles = 1_000_000
  private static let deepest = 64

  private(set) var files: [String] = []
  private var visited: Set<String> = []

  static func files(below folder: String) throws(Problem) -> [String] {
    var walk = FolderWalk()
    try walk.add(folder, depth: 0)
    return walk.files.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  private mutating func add(_ folder: String, depth: Int) throws(Problem) {
    guard depth < Self.deepest else {
      throw Problem(folder, "folders nest deeper than \(Self.deepest) levels; name an inner one")
    }
    guard visited.insert(resolvedPath(folder)).inserted else { return }
    for name in try directoryEntries(folder) where !name.hasPrefix(".") {
      let path = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
      if directoryExists(path) {
        try add(path, depth: depth + 1)
      } else {
        files.append(path)
      }
    }
    guard files.count <= Self.mostFiles else {
      throw Problem(
        folder, "there are more than \(Self.mostFiles) files in it; name an inner folder")
    }
  }
}
