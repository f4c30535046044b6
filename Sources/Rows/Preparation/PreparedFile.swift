import Formats

/// A file of JSON lines as it is written, with its checksum.
final class PreparedFile {
  let path: String
  private(set) var rows = 0
  private let file: OutputFile
  private var buffer: [UInt8] = []
  private var checksum = SHA256Stream()

  private static let bufferSize = 1 << 18

  init(_ path: String) throws(Problem) {
    self.path = path
    file = try OutputFile(path)
    buffer.reserveCapacity(Self.bufferSize * 2)
  }

  /// - Throws: Where the disk is full, for example.
  func write(_ row: JSON) throws(Problem) {
    buffer += row.text().utf8
    buffer.append(0x0A)
    rows += 1
    if buffer.count >= Self.bufferSize { try flush() }
  }

  /// Ends the file.
  func close() throws(Problem) -> SHA256Digest {
    try flush()
    try file.close()
    return checksum.digest
  }

  private func flush() throws(Problem) {
    checksum.update(buffer)
    try file.write(buffer)
    buffer.removeAll(keepingCapacity: true)
  }
}
