import Formats
import Foundation

/// A directory of a cache while it is built: under a name of its own beside its real one, locked as long as
/// its builder lives. Whoever builds next removes what has no builder any more.
final class CacheDirectory {
  /// Where to put the files until `commit`.
  let path: String
  private let destination: String
  private let lock: DirectoryLock
  private var isPending = true

  private static let building = ".building"
  private static let replaced = ".replaced"

  init(_ destination: String) throws(Problem) {
    let parent = parentDirectory(of: destination)
    try createDirectory(parent)
    // Nobody looks for leftovers between the making of the directory and its lock.
    let all = try DirectoryLock(waitingFor: parent)
    defer { withExtendedLifetime(all) {} }
    try Self.removeLeftovers(in: parent)
    self.destination = destination
    path = Self.sibling(of: destination, Self.building)
    try createDirectory(path)
    lock = try DirectoryLock(waitingFor: path)
  }

  deinit { if isPending { try? removeTree(path) } }

  /// Gives the directory its real name, unless somebody else did that with one that is as good.
  ///
  /// - Parameter isWhole: Whether what is there now can be used.
  /// - Returns: Whether it is this one that has the name.
  func commit(unless isWhole: () -> Bool) throws(Problem) -> Bool {
    try synchronizeTree(path)
    let all = try DirectoryLock(waitingFor: parentDirectory(of: destination))
    defer { withExtendedLifetime(all) {} }
    isPending = false
    guard directoryExists(destination) else {
      try renamePermanently(path, to: destination)
      return true
    }
    if isWhole() {
      try removeTree(path)
      return false
    }
    let old = Self.sibling(of: destination, Self.replaced)
    try renamePermanently(destination, to: old)
    try renamePermanently(path, to: destination)
    try removeTree(old)
    return true
  }

  private static func sibling(of destination: String, _ suffix: String) -> String {
    let name = lastPathComponent(destination)
    return "\(parentDirectory(of: destination))/.\(name).\(UUID().uuidString)\(suffix)"
  }

  /// Removes directories whose builders are gone.
  private static func removeLeftovers(in parent: String) throws(Problem) {
    for name in try directoryEntries(parent) {
      guard name.hasPrefix("."), name.hasSuffix(building) || name.hasSuffix(replaced) else {
        continue
      }
      let leftover = "\(parent)/\(name)"
      guard directoryExists(leftover), let lock = try DirectoryLock(trying: leftover) else {
        continue
      }
      try removeTree(leftover)
      withExtendedLifetime(lock) {}
    }
  }
}
