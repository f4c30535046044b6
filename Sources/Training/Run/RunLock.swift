package import Formats
import Foundation

/// Keeps a second process from working in the same run directory.
package final class RunLock {
  private let descriptor: Int32

  /// Locks the directory itself; the lock goes with this object, and with the process if it dies.
  package init(_ directory: RunDirectory) throws(Problem) {
    descriptor = open(directory.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw Problem(
        directory.path, "cannot be opened (\(String(cString: strerror(errno))))", kind: .run)
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw Problem(directory.path, "another process is training here; wait for it or stop it")
    }
  }

  deinit { close(descriptor) }
}
