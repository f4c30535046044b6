import Formats

/// The text of a file of rows: unpacked and in UTF-8, as far as it is UTF-8.
enum UTF8File {
  /// Opens a file, whatever it is compressed with and encoded in.
  ///
  /// - Throws: For a file that cannot be opened, and for content that cannot be rows.
  static func open(_ path: String) throws(Problem) -> any ByteStream {
    let file = PrefixedStream(try FileStream(path))
    let text: PrefixedStream
    switch FileSignature(file.prefix) {
    case .gzip: text = PrefixedStream(GzipStream(file))
    case .zstd: text = PrefixedStream(ZstdStream(file))
    case .unreadable(let sentence): throw Problem(path, sentence)
    case .none:
      guard !RowFileKind.isNamedCompressed(path) else { throw Problem(path, notCompressed(file)) }
      text = file
    }
    switch FileSignature(text.prefix) {
    case .gzip where text !== file, .zstd where text !== file:
      throw Problem(path, "it is compressed twice; unpack it once")
    case .unreadable(let sentence): throw Problem(path, sentence)
    default: break
    }
    switch TextEncoding(text.prefix) {
    case .utf8: return text
    case .utf16(let isBigEndian): return UTF16Stream(text, isBigEndian: isBigEndian)
    case .utf32: throw Problem(path, "this is UTF-32 text; save it as UTF-8")
    }
  }

  private static func notCompressed(_ file: PrefixedStream) -> String {
    file.prefix.isEmpty
      ? "the file is empty, expected compressed rows; make or copy it again"
      : "its name says that it is compressed, but it is neither gzip nor zstd; rename it, or make it again"
  }
}
