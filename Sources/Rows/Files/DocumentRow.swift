import Formats

/// A file of plain text as one row: `{"text": …}`.
struct DocumentRow: RowParser {
  private var isRead = false

  mutating func next(_ window: RowWindow) throws(Problem) -> ParsedRow? {
    if isRead { return nil }
    isRead = true
    try window.skipMark()
    while !window.isLast { try window.more() }
    let text = try window.text(window.start..<window.end)
    window.consume(to: window.end)
    return ParsedRow(line: 1, row: .success(["text": .string(Self.withPlainLines(text))]))
  }

  /// With lines that end as everywhere, also where a Windows program wrote the file.
  private static func withPlainLines(_ text: String) -> String {
    guard text.utf8.contains(0x0D) else { return text }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    for byte in text.utf8 {
      if byte == 0x0A, bytes.last == 0x0D { bytes.removeLast() }
      bytes.append(byte)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
