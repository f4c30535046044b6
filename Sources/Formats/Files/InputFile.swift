#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// The bytes of a whole file.
///
/// - Throws: A `Problem` that names the file: it is missing, is a directory, may not be read.
package func readFile(_ path: String) throws(Problem) -> [UInt8] {
  let input = try InputFile(path, allowsPipe: true)
  return try input.readToEnd()
}

/// The JSON value that a file holds.
///
/// - Throws: A `Problem` for a file that cannot be read, or that says where it is not JSON.
package func readJSON(_ path: String) throws(Problem) -> JSON {
  let bytes = try readFile(path)
  do {
    return try JSONParser.parse(bytes)
  } catch {
    throw Problem(
      "\(path):\(error.line):\(error.column)", "\(error.message); the file must be valid JSON")
  }
}

/// Whether `path` names a file that exists (not a directory), following links.
package func fileExists(_ path: String) -> Bool {
  var status = stat()
  return stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFDIR
}

/// Whether `path` names a directory, following links.
package func directoryExists(_ path: String) -> Bool {
  var status = stat()
  return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}

/// A file open for reading; closed when the value goes out of scope.
package struct InputFile: ~Copyable {
  package let path: String
  let descriptor: Int32
  /// Bytes in the file; zero for a pipe.
  package let size: Int

  /// Opens the file. A pipe will do where `allowsPipe`, as `<(command)` in a shell makes one.
  package init(_ path: String, allowsPipe: Bool = false) throws(Problem) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemFault.reading(path) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let code = errno
      close(descriptor)
      throw SystemFault.reading(path, code)
    }
    let kind = status.st_mode & S_IFMT
    guard kind == S_IFREG || (allowsPipe && kind == S_IFIFO) else {
      close(descriptor)
      throw kind == S_IFDIR
        ? SystemFault.directoryInsteadOfFile(path)
        : Problem(path, "this is not a regular file; name a file with contents")
    }
    self.path = path
    self.descriptor = descriptor
    self.size = kind == S_IFREG ? Int(status.st_size) : 0
  }

  deinit { close(descriptor) }

  /// Reads the next bytes into `buffer[start...]`; returns how many, 0 at the end of the file.
  package func read(
    into buffer: inout [UInt8], from start: Int = 0
  ) throws(Problem) -> Int {
    while true {
      let count = buffer.withUnsafeMutableBytes { bytes in
        let target = bytes.baseAddress.map { $0 + start }
        #if canImport(Glibc)
          return Glibc.read(descriptor, target, bytes.count - start)
        #else
          return Musl.read(descriptor, target, bytes.count - start)
        #endif
      }
      if count >= 0 { return count }
      if errno != EINTR { throw SystemFault.reading(path) }
    }
  }

  func readToEnd() throws(Problem) -> [UInt8] {
    // One byte more than the file holds, so that its end is seen without growing the buffer.
    var bytes = [UInt8](repeating: 0, count: size > 0 ? size + 1 : 1 << 16)
    var filled = 0
    while true {
      if filled == bytes.count {
        bytes.append(contentsOf: repeatElement(0, count: bytes.count))
      }
      let count = try read(into: &bytes, from: filled)
      if count == 0 { break }
      filled += count
    }
    bytes.removeLast(bytes.count - filled)
    return bytes
  }
}
