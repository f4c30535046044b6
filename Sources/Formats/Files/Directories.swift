#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Creates a directory and the ones above it where they are missing.
package func createDirectory(_ path: String) throws(Problem) {
  if directoryExists(path) || path.isEmpty { return }
  try createDirectory(parentDirectory(of: path))
  guard mkdir(path, 0o777) == 0 || (errno == EEXIST && directoryExists(path)) else {
    throw SystemFault.writing(path)
  }
}

/// Names in a directory, hidden ones too, without `.` and `..`, in byte order.
package func directoryEntries(_ path: String) throws(Problem) -> [String] {
  guard let directory = opendir(path) else {
    throw errno == ENOTDIR
      ? Problem(path, "this is a file, expected a directory; name the directory around it")
      : SystemFault.reading(path)
  }
  defer { closedir(directory) }
  var names: [String] = []
  while true {
    errno = 0
    guard let entry = readdir(directory) else {
      if errno != 0 { throw SystemFault.reading(path) }
      break
    }
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name != ".", name != ".." { names.append(name) }
  }
  return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

/// Removes a file, or a directory with everything in it; links are removed, not followed.
/// Nothing there is fine.
package func removeTree(_ path: String) throws(Problem) {
  var status = stat()
  guard lstat(path, &status) == 0 else {
    if errno == ENOENT { return }
    throw SystemFault.writing(path)
  }
  guard status.st_mode & S_IFMT == S_IFDIR else {
    guard unlink(path) == 0 || errno == ENOENT else { throw SystemFault.writing(path) }
    return
  }
  for name in try directoryEntries(path) { try removeTree("\(path)/\(name)") }
  guard rmdir(path) == 0 || errno == ENOENT else { throw SystemFault.writing(path) }
}

/// The path without its last component; "." for a bare name.
package func parentDirectory(of path: String) -> String {
  let trimmed = withoutTrailingSlashes(path)
  guard let slash = trimmed.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
  return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
}

/// The path without links, "." and ".."; the path as it is where there is nothing.
package func resolvedPath(_ path: String) -> String {
  guard let resolved = realpath(path, nil) else { return path }
  defer { free(resolved) }
  return String(cString: resolved)
}

/// The last component of a path.
package func lastPathComponent(_ path: String) -> String {
  let trimmed = withoutTrailingSlashes(path)
  guard let slash = trimmed.utf8.lastIndex(of: UInt8(ascii: "/")) else { return trimmed }
  return String(trimmed[trimmed.utf8.index(after: slash)...])
}

private func withoutTrailingSlashes(_ path: String) -> String {
  var bytes = Array(path.utf8)
  while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
  return String(decoding: bytes, as: UTF8.self)
}

// MARK: - Making names and contents permanent

/// Waits until the contents of a file, or the names in a directory, are on the disk.
func synchronize(_ path: String) throws(Problem) {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw SystemFault.writing(path) }
  defer { close(descriptor) }
  // Some file systems cannot synchronize a directory and say so with EINVAL: nothing to wait for.
  guard fsync(descriptor) == 0 || errno == EINVAL else { throw SystemFault.writing(path) }
}

/// Synchronizes every file below a directory and the directories themselves, innermost first.
package func synchronizeTree(_ path: String) throws(Problem) {
  for name in try directoryEntries(path) {
    let entry = "\(path)/\(name)"
    if directoryExists(entry) { try synchronizeTree(entry) } else { try synchronize(entry) }
  }
  try synchronize(path)
}

/// Renames within one file system, then makes the new name permanent.
package func renamePermanently(_ source: String, to destination: String) throws(Problem) {
  guard rename(source, destination) == 0 else { throw SystemFault.writing(destination) }
  try synchronize(parentDirectory(of: destination))
}
