import Formats

/// Bytes that come in order, some at a time: a file, or what becomes of it by unpacking or decoding.
protocol ByteStream: AnyObject {
  /// Puts the next bytes into `buffer[start...]`, which has room for one at least.
  ///
  /// - Returns: How many they are; 0 only at the end.
  func read(into buffer: inout [UInt8], from start: Int) throws(StreamFault) -> Int
}

/// Why a stream does not go on.
enum StreamFault: Error {
  /// The system does not let us read.
  case system(Problem)
  /// The content is damaged, cut or of a kind that is not read, as a sentence.
  case content(String)
}
