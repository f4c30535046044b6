/// Where a row stands in a file.
package struct RowPlace: Equatable, Sendable, CustomStringConvertible {
  package let file: String
  /// Position among the file's rows, from 0.
  package let index: Int
  /// Line of the file where the row begins, from 1.
  package let line: Int
  /// Rows are found by their lines, as in JSON Lines and tables, not by their position in one list.
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
