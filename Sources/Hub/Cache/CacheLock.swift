import Formats
import Foundation

/// Keeps other programs, Python's among them, from making the same blob at the same time.
///
/// The lock goes with this object, and with the process if it dies. The file stays: another program may
/// be waiting on it.
final class CacheLock {
  private let descriptor: Int32

  /// Waits for the lock.
  ///
  /// - Parameter waiting: Called when somebody else holds it for long.
  init(_ path: String, isCancelled: () -> Bool, waiting: () -> Void) throws {
    try createDirectory(parentDirectory(of: path))
    var pauses = 0
    while true {
      let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o664)
      guard file >= 0 else {
        throw Problem(
          path,
          "cannot be opened (\(String(cString: strerror(errno)))); name another folder in HF_HUB_CACHE",
          kind: .run)
      }
      if flock(file, LOCK_EX | LOCK_NB) == 0 {
        // Some programs remove the file with the lock: then this is no longer the one that others see.
        if Self.isSame(file, path) {
          descriptor = file
          return
        }
      } else if errno != EWOULDBLOCK && errno != EINTR {
        // A file system without locks: contents are checked all the same.
        descriptor = file
        return
      } else {
        pauses += 1
        // Two files of one repository with the same contents meet here for a moment.
        if pauses == 20 { waiting() }
        Thread.sleep(forTimeInterval: 0.1)
      }
      close(file)
      if isCancelled() { throw HubCancelled() }
    }
  }

  deinit { close(descriptor) }

  private static func isSame(_ descriptor: Int32, _ path: String) -> Bool {
    var held = stat()
    var named = stat()
    return fstat(descriptor, &held) == 0 && stat(path, &named) == 0
      && held.st_ino == named.st_ino && held.st_dev == named.st_dev
  }
}
