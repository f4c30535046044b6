#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// A file being written, unbuffered. Every failure, a full disk above all, is thrown at the call that
/// met it; `close` reports what the system only notices then.
package final class OutputFile {
  package let path: String
  private var descriptor: Int32

  /// Creates the file, or empties it. `appending` keeps the contents and writes at the end.
  package init(_ path: String, appending: Bool = false) throws(Problem) {
    let flags = O_WRONLY | O_CREAT | O_CLOEXEC | (appending ? O_APPEND : O_TRUNC)
    descriptor = open(path, flags, 0o666)
    self.path = path
    guard descriptor >= 0 else {
      throw errno == ENOENT
        ? Problem(path, "the directory around it does not exist; create it", kind: .run)
        : SystemFault.writing(path)
    }
  }

  deinit { if descriptor >= 0 { _ = systemClose(descriptor) } }

  /// Writes after the last write.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(Problem) {
    try write(bytes, { descriptor, rest, _ in systemWrite(descriptor, rest) })
  }

  package func write(_ bytes: [UInt8]) throws(Problem) {
    try bytes.withUnsafeBytes { (bytes) -> Result<Void, Problem> in
      Result { () throws(Problem) in try write(bytes) }
    }.get()
  }

  package func write(_ text: String) throws(Problem) { try write(Array(text.utf8)) }

  /// Writes at a byte offset from the start of the file.
  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(Problem) {
    try write(bytes) { descriptor, rest, done in
      pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
    }
  }

  /// Waits until the contents are on the disk.
  package func synchronize() throws(Problem) {
    // A pipe or a device has no disk behind it and answers EINVAL.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw SystemFault.writing(path) }
  }

  /// Closes the file; further writes are a programmer error.
  package func close() throws(Problem) {
    let open = descriptor
    descriptor = -1
    guard systemClose(open) == 0 || errno == EINTR else { throw SystemFault.writing(path) }
  }

  /// Throws where the file system cannot take `byteCount` more bytes, before work is spent on them.
  package func requireSpace(_ byteCount: Int) throws(Problem) {
    var system = statvfs()
    if fstatvfs(descriptor, &system) == 0 { try require(byteCount, of: system, at: path) }
  }

  private func write(
    _ bytes: UnsafeRawBufferPointer,
    _ call: (_ descriptor: Int32, _ rest: UnsafeRawBufferPointer, _ done: Int) -> Int
  ) throws(Problem) {
    precondition(descriptor >= 0, "write to \(path) after close")
    var done = 0
    while done < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
      let count = call(descriptor, rest, done)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw SystemFault.writing(path, count == 0 ? ENOSPC : errno) }
      done += count
    }
  }
}

/// Writes a whole file in place; for files inside a directory that is made atomic as a whole.
package func writeFile(_ path: String, bytes: [UInt8]) throws(Problem) {
  let file = try OutputFile(path)
  try file.write(bytes)
  try file.close()
}

package func writeFile(_ path: String, _ text: String) throws(Problem) {
  try writeFile(path, bytes: Array(text.utf8))
}

/// Throws where the file system of an existing directory cannot take `byteCount` more bytes.
package func requireSpace(_ byteCount: Int, at directory: String) throws(Problem) {
  var system = statvfs()
  if statvfs(directory, &system) == 0 { try require(byteCount, of: system, at: directory) }
}

private func require(_ byteCount: Int, of system: statvfs, at path: String) throws(Problem) {
  let free = UInt64(system.f_bavail) * UInt64(system.f_frsize)
  guard system.f_blocks == 0 || UInt64(byteCount) <= free else {
    throw Problem(
      path,
      "no space left on the device: \(megabytes(UInt64(byteCount))) MB are needed and"
        + " \(free / 1_000_000) MB are free; free some space or choose another directory",
      kind: .run)
  }
}

private func megabytes(_ bytes: UInt64) -> UInt64 { (bytes + 999_999) / 1_000_000 }

// The class has methods of these names.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
  write(descriptor, bytes.baseAddress, bytes.count)
}
private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
