/// What a file is by its first bytes, whatever its name says.
enum FileSignature: Equatable {
  case gzip
  case zstd
  /// Something that holds no rows in a way that is read, with what to do.
  case unreadable(String)
  /// Nothing known; text, as far as one can see.
  case none

  init(_ prefix: [UInt8]) {
    if prefix.starts(with: [0x1F, 0x8B]) {
      self = .gzip
    } else if Self.isZstd(prefix) {
      self = .zstd
    } else if prefix.starts(with: Array("BZh".utf8)),
      prefix.dropFirst(4).starts(with: Self.bzip2Block)
    {
      self = .unreadable(
        "this is compressed with bzip2, which is not read; unpack it, or compress it with gzip or zstd"
      )
    } else {
      let found = Self.unreadable.first { prefix.starts(with: $0.bytes) }
      self = found.map { .unreadable($0.sentence) } ?? .none
    }
  }

  /// A frame, or one of the sixteen kinds of frames to skip.
  private static func isZstd(_ prefix: [UInt8]) -> Bool {
    guard prefix.count >= 4 else { return false }
    return prefix.starts(with: [0x28, 0xB5, 0x2F, 0xFD])
      || (prefix[0] & 0xF0 == 0x50 && prefix[1...3].elementsEqual([0x2A, 0x4D, 0x18]))
  }

  /// The digits of pi, as a block begins.
  private static let bzip2Block: [UInt8] = [0x31, 0x41, 0x59, 0x26, 0x53, 0x59]

  private static let unreadable: [(bytes: [UInt8], sentence: String)] = [
    (
      Array("PAR1".utf8),
      "this is a Parquet file, which is not read; convert it, for example with"
        + " duckdb -c \"COPY 'rows.parquet' TO 'rows.jsonl'\""
    ),
    (Array("ARROW1\0\0".utf8), "this is an Arrow file, which is not read; convert it to .jsonl"),
    (
      [0x50, 0x4B, 0x03, 0x04],
      "this is a ZIP archive or a spreadsheet, which is not read; unpack it, or save the sheet as CSV (UTF-8)"
    ),
    (
      [0xFD, 0x37, 0x7A, 0x58, 0x5A],
      "this is compressed with xz, which is not read; unpack it, or compress it with gzip or zstd"
    ),
    (
      [0x04, 0x22, 0x4D, 0x18],
      "this is compressed with lz4, which is not read; unpack it, or compress it with gzip or zstd"
    ),
    ([0x89, 0x48, 0x44, 0x46], "this is an HDF5 file, expected rows as text"),
    (
      Array("%PDF-".utf8),
      "this is a PDF file, expected rows as text; take the text out of it first"
    ),
  ]
}
