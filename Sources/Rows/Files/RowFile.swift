package import Formats

/// A file of rows: JSON Lines, one JSON list, a table or a document, perhaps compressed.
///
/// Rows are read one at a time through a window of a few hundred kilobytes, whatever the file's size.
package struct RowFile {
  /// How a sentence about a line that is not JSON begins.
  static let malformedLine = "this line is not JSON"
  /// How a sentence about a row begins that stands where it should and cannot be taken.
  static let unreadableRow = "this row cannot be read"

  let path: String
  private let kind: RowFileKind

  /// - Throws: For a directory, and for a name that does not say what kind of file it is.
  init(_ path: String) throws(Problem) {
    guard !directoryExists(path) else {
      throw Problem(path, "this is a directory, expected a file; name the file inside it")
    }
    self.path = path
    kind = try RowFileKind(of: path)
  }

  /// Calls `body` with every row, in order.
  ///
  /// - Throws: What `body` throws, and where a row or the file cannot be read.
  func forEach(_ body: (RowPlace, JSON) throws(Problem) -> Void) throws(Problem) {
    try forEachResult { place, result throws(Problem) in
      switch result {
      case .success(let row): try body(place, row)
      case .failure(let fault): throw Problem("\(path):\(place.line)", fault.sentence)
      }
    }
  }

  /// The same, where a row that cannot be read is handed over as a fault instead of thrown.
  ///
  /// - Throws: What `body` throws, and where the file cannot be read on: it is missing, cut or damaged.
  func forEachResult(
    _ body: (RowPlace, Result<JSON, RowFault>) throws(Problem) -> Void
  ) throws(Problem) {
    try read { place, result throws(Problem) in
      try body(place, result)
      return true
    }
  }

  /// The first rows of a file, without reading the rest of it. Rows that cannot be read do not count.
  ///
  /// - Throws: Where the file cannot be read so far.
  package static func first(_ count: Int, of path: String) throws(Problem) -> [JSON] {
    var rows: [JSON] = []
    if count <= 0 { return rows }
    try RowFile(path).read { _, result in
      if case .success(let row) = result { rows.append(row) }
      return rows.count < count
    }
    return rows
  }

  /// Goes through the rows until `body` says that it has enough.
  private func read(
    _ body: (RowPlace, Result<JSON, RowFault>) throws(Problem) -> Bool
  ) throws(Problem) {
    let window = try RowWindow(path)
    var parser = makeParser()
    var index = 0
    while let parsed = try parser.next(window) {
      let place = RowPlace(
        file: path, index: index, line: parsed.line, isLineFile: kind != .list)
      guard try body(place, parsed.row) else { return }
      index += 1
    }
  }

  private func makeParser() -> any RowParser {
    switch kind {
    case .lines: LineRows()
    case .list: ListRows()
    case .table(let separator): TableRows(separator: separator)
    case .document: DocumentRow()
    }
  }
}
