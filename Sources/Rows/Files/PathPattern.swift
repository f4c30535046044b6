import Formats

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// A path with wildcards as shells know them: `*`, `?` and `[a-z]` in a name, and `**` for any number of
/// folders.
struct PathPattern {
  private let path: String
  private let parts: [Substring]

  init(_ path: String) {
    self.path = path
    var parts: [Substring] = []
    // Two `**` in a row find what one finds.
    for part in path.split(separator: "/") where part != "**" || parts.last != "**" {
      parts.append(part)
    }
    self.parts = parts
  }

  var isPattern: Bool { Self.isPattern(path[...]) }

  private static func isPattern(_ text: Substring) -> Bool {
    text.utf8.contains {
      $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "[")
    }
  }

  /// The files that it names, sorted by path.
  func files() throws(Problem) -> [String] {
    var places: Set<String> = [path.hasPrefix("/") ? "/" : ""]
    for (index, part) in parts.enumerated() {
      var next: Set<String> = []
      for place in places {
        next.formUnion(try step(place, part, isLast: index == parts.count - 1))
      }
      places = next
    }
    return places.filter(fileExists).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Where one part of the pattern leads from `folder`.
  private func step(
    _ folder: String, _ part: Substring, isLast: Bool
  ) throws(Problem) -> Set<String> {
    if part == "**" {
      // At the end of a pattern it stands for everything below.
      let found = isLast ? try FolderWalk.files(below: named(folder)) : []
      return Set(found.map(plain)).union(isLast ? [] : try folders(below: folder))
    }
    guard Self.isPattern(part) else {
      let path = folder + part
      return fileExists(path) ? [path] : directoryExists(path) ? [isLast ? path : path + "/"] : []
    }
    guard directoryExists(named(folder)) else { return [] }
    let names = try directoryEntries(named(folder)).filter { name in
      fnmatch(String(part), name, FNM_PERIOD) == 0
    }
    let paths = names.map { folder + $0 }
    return Set(isLast ? paths : paths.filter(directoryExists).map { $0 + "/" })
  }

  /// A folder and all below it, each with a slash at its end.
  private func folders(below folder: String) throws(Problem) -> Set<String> {
    var found: Set<String> = []
    var visited: Set<String> = []
    var waiting = [folder]
    while let next = waiting.popLast() {
      guard directoryExists(named(next)), visited.insert(resolvedPath(named(next))).inserted else {
        continue
      }
      found.insert(next)
      for name in try directoryEntries(named(next)) where !name.hasPrefix(".") {
        if directoryExists(next + name) { waiting.append(next + name + "/") }
      }
    }
    return found
  }

  private func named(_ folder: String) -> String { folder.isEmpty ? "." : folder }

  /// Without the "./" that stands for no folder at all.
  private func plain(_ path: String) -> String {
    path.hasPrefix("./") && !self.path.hasPrefix("./") ? String(path.dropFirst(2)) : path
  }
}
