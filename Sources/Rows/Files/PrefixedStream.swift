/// A stream whose first bytes can be looked at before they are read.
final class PrefixedStream: ByteStream {
  private static let most = 4096

  /// The first bytes, all of them where the stream has only so many.
  let prefix: [UInt8]
  private let stream: any ByteStream
  private var given = 0
  /// What was in the way of more of them; it is told where they end.
  private var fault: StreamFault?

  init(_ stream: any ByteStream) {
    self.stream = stream
    var bytes = [UInt8](repeating: 0, count: Self.most)
    var filled = 0
    do {
      while filled < bytes.count {
        let count = try stream.read(into: &bytes, from: filled)
        if count == 0 { break }
        filled += count
      }
    } catch {
      fault = error
    }
    prefix = Array(bytes[..<filled])
  }

  func read(into buffer: inout [UInt8], from start: Int) throws(StreamFault) -> Int {
    guard given < prefix.count else {
      if let fault { throw fault }
      return try stream.read(into: &buffer, from: start)
    }
    let count = min(buffer.count - start, prefix.count - given)
    buffer.replaceSubrange(start..<start + count, with: prefix[given..<given + count])
    given += count
    return count
  }
}
