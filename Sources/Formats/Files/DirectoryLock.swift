#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// A lock on a directory. It goes with this object, and with the process if it dies.
package final class DirectoryLock {
  private let descriptor: Int32

  /// Waits until nobody else holds the lock.
  package convenience init(waitingFor directory: String) throws(Problem) {
    guard let descriptor = try Self.lock(directory, LOCK_EX) else {
      throw Problem(
        directory, "the directory cannot be locked; use one on a local disk", kind: .run)
    }
    self.init(descriptor)
  }

  /// Nil where somebody else holds the lock.
  package convenience init?(trying directory: String) throws(Problem) {
    guard let descriptor = try Self.lock(directory, LOCK_EX | LOCK_NB) else { return nil }
    self.init(descriptor)
  }

  private init(_ descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  private static func lock(_ directory: String, _ operation: Int32) throws(Problem) -> Int32? {
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemFault.writing(directory) }
    while flock(descriptor, operation) != 0 {
      if errno == EINTR { continue }
      close(descriptor)
      return nil
    }
    return descriptor
  }
}
