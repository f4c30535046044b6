import Formats
import Foundation

/// Copies files of a snapshot out of the cache, so that they are a directory of their own.
package enum SnapshotCopy {
  /// Makes `directory`, which must not exist or be empty. Where the file system can, copies share their
  /// blocks with the cache until one of them is changed.
  package static func write(
    _ files: [String], of snapshot: String, to directory: String
  ) throws {
    let target = try AtomicDirectory(directory)
    let bytes = files.reduce(0) { $0 + (fileSize("\(snapshot)/\($1)") ?? 0) }
    try requireSpace(bytes, at: target.path)
    for file in files {
      let copy = "\(target.path)/\(file)"
      try createDirectory(parentDirectory(of: copy))
      try self.copy("\(snapshot)/\(file)", to: copy)
    }
    try target.commit()
  }

  private static func copy(_ source: String, to destination: String) throws(Problem) {
    let input = open(source, O_RDONLY | O_CLOEXEC)
    guard input >= 0 else { throw fault(source, "cannot be read") }
    defer { close(input) }
    let output = open(destination, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard output >= 0 else { throw fault(destination, "cannot be written") }
    defer { close(output) }
    if ioctl(output, cloneRequest, input) == 0 { return }
    try copyBytes(input, output, destination)
  }

  /// FICLONE of linux/fs.h: the new file shares the blocks of the old one.
  private static let cloneRequest: UInt = 0x4004_9409

  /// For file systems whose files cannot share blocks.
  private static func copyBytes(
    _ input: Int32, _ output: Int32, _ destination: String
  ) throws(Problem) {
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = read(input, &buffer, buffer.count)
      if count == 0 { return }
      if count < 0 {
        if errno == EINTR { continue }
        throw fault(destination, "its source cannot be read")
      }
      var done = 0
      while done < count {
        let written = buffer.withUnsafeBytes { bytes in
          Foundation.write(output, bytes.baseAddress.map { $0 + done }, count - done)
        }
        if written < 0, errno == EINTR { continue }
        guard written > 0 else { throw fault(destination, "cannot be written") }
        done += written
      }
    }
  }

  private static func fault(_ path: String, _ what: String) -> Problem {
    Problem(
      path, "\(what) (\(String(cString: strerror(errno)))); choose another directory", kind: .run)
  }
}
