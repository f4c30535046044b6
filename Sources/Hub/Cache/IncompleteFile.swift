import Formats
import Foundation

/// The beginning of a blob on the disk, which a later run goes on with.
final class IncompleteFile {
  let path: String
  let size: Int
  /// How many bytes are there.
  private(set) var count: Int
  /// How many of them an earlier run left.
  private(set) var inherited: Int
  private var file: OutputFile
  private var checksum: ContentChecksum?
  private let blob: String
  private let counted: (Int) -> Void

  /// - Parameters:
  ///   - size: Of the whole file.
  ///   - counted: Gets every change of the number of bytes.
  init(
    _ path: String, blob: String, size: Int, counted: @escaping (Int) -> Void
  ) throws(Problem) {
    self.path = path
    self.size = size
    self.blob = blob
    self.counted = counted
    if let there = fileSize(path), there > size { try removeTree(path) }
    count = fileSize(path) ?? 0
    inherited = count
    checksum = ContentChecksum(named: blob, byteCount: size)
    file = try OutputFile(path, appending: true)
    if count > 0 { try checksum?.update(withFile: path) }
    counted(count)
  }

  func append(_ bytes: UnsafeRawBufferPointer) throws(Problem) {
    guard bytes.count <= size - count else {
      discard()
      throw Problem(
        path, "more bytes come than the \(size) that the hub announces; try later", kind: .run)
    }
    try file.write(bytes)
    checksum?.update(bytes)
    count += bytes.count
    counted(bytes.count)
  }

  /// Forgets everything that is there.
  func restart() throws(Problem) {
    try file.close()
    file = try OutputFile(path)
    counted(-count)
    count = 0
    inherited = 0
    checksum = ContentChecksum(named: blob, byteCount: size)
  }

  /// The checksum where it is not what the name promises; nil where it is, or says nothing.
  var wrongChecksum: String? {
    guard let checksum, !checksum.matches else { return nil }
    return checksum.actual
  }

  /// Makes the bytes permanent under the blob's name.
  func commit(to destination: String) throws(Problem) {
    try file.synchronize()
    try file.close()
    guard rename(path, destination) == 0 else {
      throw Problem(
        destination, "cannot be written (\(String(cString: strerror(errno))))", kind: .run)
    }
  }

  /// Removes bytes that are of no use.
  func discard() {
    try? file.close()
    try? removeTree(path)
    counted(-count)
    count = 0
  }
}
