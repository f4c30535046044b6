import Formats

/// The bytes of a file or a pipe as they are.
final class FileStream: ByteStream {
  private let file: InputFile

  init(_ path: String) throws(Problem) {
    file = try InputFile(path, allowsPipe: true)
  }

  func read(into buffer: inout [UInt8], from start: Int) throws(StreamFault) -> Int {
    do {
      return try file.read(into: &buffer, from: start)
    } catch {
      throw .system(error)
    }
  }
}
