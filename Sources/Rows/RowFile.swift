import Formats

/// Where a row stands in a file.
package struct RowPlace: Equatable, Sendable, CustomStringConvertible {
  package let file: String
  /// Position among the file's rows, from 0.
  package let index: Int
  /// Line of the file where the row begins, from 1.
  package let line: Int
  /// One row a line (JSON Lines) instead of one list.
  package let isLineFile: Bool

  package init(file: String, index: Int, line: Int, isLineFile: Bool) {
    self.file = file
    self.index = index
    self.line = line
    self.isLineFile = isLineFile
  }

  /// "rows.jsonl:1873", or "rows.json: row 12 (line 97)", where rows count from 1.
  package var description: String {
    isLineFile ? "\(file):\(line)" : "\(file): row \(index + 1) (line \(line))"
  }
}

/// A file of rows: `.json`, one list, or `.jsonl`, one row a line.
///
/// Rows are parsed one at a time, so that only one lives as JSON at any moment.
struct RowFile {
  /// How a sentence about a line that is not JSON begins.
  static let malformedLine = "this line is not JSON"

  let path: String
  private let bytes: [UInt8]
  private let isLineFile: Bool

  /// - Throws: For a file that cannot be read or has another extension.
  init(_ path: String) throws(Problem) {
    self.path = path
    let name = path.lowercased()
    isLineFile = name.hasSuffix(".jsonl") || name.hasSuffix(".ndjson")
    guard isLineFile || name.hasSuffix(".json") || directoryExists(path) else {
      throw Problem(
        path, "rows are read from a .json or a .jsonl file; convert the file or rename it")
    }
    bytes = try readFile(path)
  }

  /// The first rows of a file; those that cannot be read are passed over.
  static func first(_ count: Int, of path: String) throws(Problem) -> [JSON] {
    var rows: [JSON] = []
    try RowFile(path).forEachResult { _, result throws(Problem) in
      if rows.count < count, case .success(let row) = result { rows.append(row) }
    }
    return rows
  }

  /// Calls `body` with every row, in order.
  ///
  /// - Throws: What `body` throws, and where the file is not JSON.
  func forEach(_ body: (RowPlace, JSON) throws(Problem) -> Void) throws(Problem) {
    try forEachResult { place, result throws(Problem) in
      switch result {
      case .success(let row): try body(place, row)
      case .failure(let fault): throw Problem("\(path):\(place.line)", fault.sentence)
      }
    }
  }

  /// The same, where a line that is not JSON is handed over as a fault instead of thrown.
  func forEachResult(
    _ body: (RowPlace, Result<JSON, RowFault>) throws(Problem) -> Void
  ) throws(Problem) {
    if isLineFile {
      try forEachLine(body)
    } else {
      try forEachElement { place, row throws(Problem) in try body(place, .success(row)) }
    }
  }

  private func forEachLine(
    _ body: (RowPlace, Result<JSON, RowFault>) throws(Problem) -> Void
  ) throws(Problem) {
    var line = 0
    var index = 0
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
      line += 1
      defer { start = end + 1 }
      let isBlank = bytes[start..<end].allSatisfy { [0x20, 0x09, 0x0D].contains($0) }
      if isBlank { continue }
      let place = RowPlace(file: path, index: index, line: line, isLineFile: true)
      index += 1
      try body(place, row(bytes[start..<end], isFirst: index == 1))
    }
  }

  private func row(_ line: ArraySlice<UInt8>, isFirst: Bool) -> Result<JSON, RowFault> {
    do {
      return .success(try JSONParser.parse(Array(line)))
    } catch {
      let hint = isFirst ? "; a file that holds one list is a .json file" : ""
      return .failure(
        RowFault(
          "\(Self.malformedLine) (column \(error.column): \(error.message)), expected one row a line"
            + hint))
    }
  }

  private func forEachElement(_ body: (RowPlace, JSON) throws(Problem) -> Void) throws(Problem) {
    var parser = JSONParser(bytes)
    guard parser.consume("[") else {
      let found = parser.isAtEnd ? "an empty file" : parser.found
      throw Problem(
        path,
        "found \(found), expected a list of rows that begins with \"[\"; a file with one row a line is "
          + "a .jsonl file")
    }
    var line = 1
    var counted = 0
    var index = 0
    do {
      if !parser.consume("]") {
        repeat {
          parser.skipWhitespace()
          line += bytes[counted..<parser.offset].count { $0 == 0x0A }
          counted = parser.offset
          let row = try parser.parseValue()
          try body(RowPlace(file: path, index: index, line: line, isLineFile: false), row)
          index += 1
        } while parser.consume(",")
        guard parser.consume("]") else {
          throw parser.error("found \(parser.found), expected \",\" or \"]\"")
        }
      }
      parser.skipWhitespace()
      guard parser.isAtEnd else {
        throw parser.error("found \(parser.found) after the end of the list")
      }
    } catch let error as JSONSyntaxError {
      throw Problem(
        "\(path):\(error.line)", "this is not JSON (column \(error.column)): \(error.message)")
    } catch let problem as Problem {
      throw problem
    } catch {
      preconditionFailure("\(error)")
    }
  }
}
