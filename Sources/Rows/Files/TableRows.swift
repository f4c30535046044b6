import Formats

/// Rows of a table: the header gives the keys, and every cell is a string.
struct TableRows: RowParser {
  let separator: UInt8
  private var header: [String]?

  init(separator: UInt8) { self.separator = separator }

  mutating func next(_ window: RowWindow) throws(Problem) -> ParsedRow? {
    if header == nil {
      try window.skipMark()
      header = try readHeader(window)
    }
    guard let header, let row = try line(window) else { return nil }
    defer { window.consume(to: row.end) }
    return ParsedRow(line: window.line, row: try self.row(window, row, header))
  }

  /// The next row that is not blank, not yet consumed.
  private func line(_ window: RowWindow) throws(Problem) -> TableLine? {
    while true {
      if window.start == window.end, window.isLast { return nil }
      let found = TableLine(
        window.bytes, in: window.start..<window.end, separator: separator, isLast: window.isLast)
      guard let found else {
        try window.more()
        continue
      }
      if found.isOpen {
        throw Problem(
          "\(window.path):\(window.line)",
          "in this row a cell begins with a double quote and does not end before the file does; close the"
            + " quote, or copy the file again if it was cut")
      }
      guard found.isBlank else { return found }
      window.consume(to: found.end)
    }
  }

  private func row(
    _ window: RowWindow, _ row: TableLine, _ header: [String]
  ) throws(Problem) -> Result<JSON, RowFault> {
    let rule =
      "a cell with a \(separatorName), a quote or a line break in it stands in double quotes"
    if row.isBroken {
      return .failure(.unreadable("a cell goes on behind its closing quote; \(rule)"))
    }
    guard row.cells.count == header.count else {
      let count = row.cells.count == 1 ? "1 cell" : "\(row.cells.count) cells"
      return .failure(.unreadable("it has \(count) and the header has \(header.count); \(rule)"))
    }
    var members: [(key: String, value: JSON)] = []
    members.reserveCapacity(header.count)
    for (key, cell) in zip(header, row.cells) {
      members.append((key, .string(try text(window, cell))))
    }
    return .success(.object(JSONObject(members)))
  }

  /// What a cell says: quotes once, and lines that end as everywhere.
  private func text(_ window: RowWindow, _ cell: TableLine.Cell) throws(Problem) -> String {
    let text = try window.text(cell.range)
    guard cell.isWritten else { return text }
    let quote = UInt8(ascii: "\"")
    var bytes: [UInt8] = []
    var last: UInt8 = 0
    for byte in text.utf8 {
      if byte == quote, last == quote {
        last = 0
        continue
      }
      if byte == 0x0A, last == 0x0D { bytes.removeLast() }
      bytes.append(byte)
      last = byte
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  // MARK: Header

  private func readHeader(_ window: RowWindow) throws(Problem) -> [String]? {
    guard let row = try line(window) else { return nil }
    defer { window.consume(to: row.end) }
    var names: [String] = []
    for cell in row.cells { names.append(try text(window, cell).trimmed) }
    let place = "\(window.path):\(window.line)"
    if row.isBroken {
      throw Problem(place, "a name goes on behind its closing quote; mend the header")
    }
    if let index = names.firstIndex(of: "") {
      throw Problem(
        place,
        "column \(index + 1) of the header has no name; name it, or leave the column out (pandas writes its"
          + " index so: to_csv(…, index=False))")
    }
    for (index, name) in names.enumerated() where names[..<index].contains(where: name.isSame) {
      throw Problem(place, "two columns are named \"\(name)\"; rename or remove one")
    }
    try checkSeparator(names, place)
    // What is left of a packed file, for example.
    let isText = names.allSatisfy { $0.utf8.allSatisfy { $0 >= 0x20 || $0 == 0x09 || $0 == 0x0A } }
    guard isText else {
      throw Problem(place, "the header holds control characters, expected names; this is no table")
    }
    return names
  }

  /// A header that is one name usually has another separator.
  private func checkSeparator(_ names: [String], _ place: String) throws(Problem) {
    let name = names[0]
    guard names.count == 1, let other = name.first(where: { ";,\t|".contains($0) }) else {
      if names.contains(where: { $0.utf8.contains(0x0D) }) {
        throw Problem(
          place, "the lines end with a lone carriage return; save the file with other line ends")
      }
      return
    }
    throw Problem(
      place,
      "the header has one column, \"\(name)\"; if \"\(other)\" separates cells, save the file with"
        + " \(separatorName)s instead")
  }

  private var separatorName: String { separator == UInt8(ascii: ",") ? "comma" : "tab" }
}

extension String {
  fileprivate var trimmed: String {
    let scalars = unicodeScalars
    guard let start = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
      let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
    else { return "" }
    return String(scalars[start...last])
  }

  /// Byte by byte; `==` takes letters for equal that are written differently.
  fileprivate func isSame(_ other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
