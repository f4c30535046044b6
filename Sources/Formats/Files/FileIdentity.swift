#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// What the file system says of a file: if all of it is the same later, the bytes are taken to be the same.
package struct FileIdentity: Equatable, Sendable {
  package let size: Int
  /// When the bytes last changed, and when they, the name or the rights did, in nanoseconds since 1970. The
  /// second cannot be set back.
  package let modified: Int
  package let changed: Int
  package let inode: UInt64
  package let device: UInt64

  init(size: Int, modified: Int, changed: Int, inode: UInt64, device: UInt64) {
    self.size = size
    self.modified = modified
    self.changed = changed
    self.inode = inode
    self.device = device
  }

  /// Nil where there is no such regular file.
  package init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    size = Int(status.st_size)
    modified = Self.nanoseconds(status.st_mtim)
    changed = Self.nanoseconds(status.st_ctim)
    inode = UInt64(status.st_ino)
    device = UInt64(status.st_dev)
  }

  /// Whether the file had been left alone for some time when it was looked at. One that was just written may
  /// change again within the same tick of the file system's clock, which nobody could see.
  package var isSettled: Bool {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Self.nanoseconds(now) - max(modified, changed) > 2_000_000_000
  }

  private static func nanoseconds(_ time: timespec) -> Int {
    let (scaled, overflow) = Int(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? 0 : scaled &+ Int(time.tv_nsec)
  }
}
