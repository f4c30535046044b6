import Formats

/// Rows of JSON Lines: one a line; blank lines are skipped.
struct LineRows: RowParser {
  private var isFirst = true

  mutating func next(_ window: RowWindow) throws(Problem) -> ParsedRow? {
    while true {
      try window.skipMark()
      guard let end = try window.endOfLine() else { return nil }
      let range = window.start..<end
      let isEnded = end < window.end
      let line = window.line
      let isBlank = window.bytes[range].allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
      defer { window.consume(to: isEnded ? end + 1 : end) }
      if isBlank { continue }
      defer { isFirst = false }
      return ParsedRow(line: line, row: try row(window, range, isEnded: isEnded))
    }
  }

  private func row(
    _ window: RowWindow, _ range: Range<Int>, isEnded: Bool
  ) throws(Problem) -> Result<JSON, RowFault> {
    var parser = JSONParser(window.bytes, in: range, notesFaults: true)
    do {
      let row = try parser.parseWhole()
      return parser.fault.map { .failure(RowFault($0)) } ?? .success(row)
    } catch {
      if error.isIncomplete, !isEnded {
        throw Problem(
          "\(window.path):\(window.line)",
          "the file ends inside this row: it was cut; make or copy it again, or remove the line")
      }
      return .failure(malformed(window, range, error))
    }
  }

  private func malformed(
    _ window: RowWindow, _ range: Range<Int>, _ error: JSONSyntaxError
  ) -> RowFault {
    if let fault = UTF8Fault(window.bytes, in: range) {
      let sentence = fault.sentence(column: window.position(of: fault.place).column)
      return RowFault(.malformedRow, "\(RowFile.malformedLine): \(sentence)")
    }
    let column = window.position(of: error.offset).column
    let hint = isFirst ? "; a file that holds one list is a .json file" : ""
    return RowFault(
      .malformedRow,
      "\(RowFile.malformedLine) (column \(column): \(error.message)), expected one row a line\(hint)"
    )
  }
}
