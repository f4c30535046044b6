import Formats

/// What is known of all rows of a set together.
package struct RowSummary: Equatable, Sendable {
  /// Rows that are learnt from.
  package private(set) var rows = 0
  package private(set) var droppedRows = 0
  package private(set) var truncatedRows = 0
  /// Rows in which no special token follows some answer.
  package private(set) var rowsWithoutEnd = 0
  /// Rows of the files of which a text becomes control tokens of the model.
  package private(set) var rowsWithControlTokens = 0
  package private(set) var firstWithControlTokens: String?

  init() {}

  mutating func add(_ row: JudgedRow) {
    rows += row.admitted.count
    droppedRows += row.verdicts.count { $0.action == .dropped }
    truncatedRows += row.verdicts.count { $0.action == .truncated }
    rowsWithoutEnd += row.rowsWithoutEnd
    guard row.holdsControlTokens else { return }
    rowsWithControlTokens += 1
    if firstWithControlTokens == nil { firstWithControlTokens = row.place.description }
  }

  /// The rows of two sets.
  static func + (a: RowSummary, b: RowSummary) -> RowSummary {
    var sum = a
    sum.rows += b.rows
    sum.droppedRows += b.droppedRows
    sum.truncatedRows += b.truncatedRows
    sum.rowsWithoutEnd += b.rowsWithoutEnd
    sum.rowsWithControlTokens += b.rowsWithControlTokens
    sum.firstWithControlTokens = a.firstWithControlTokens ?? b.firstWithControlTokens
    return sum
  }

  var json: JSON {
    [
      "rows": .integer(rows), "dropped_rows": .integer(droppedRows),
      "truncated_rows": .integer(truncatedRows), "rows_without_end": .integer(rowsWithoutEnd),
      "rows_with_control_tokens": .integer(rowsWithControlTokens),
      "first_with_control_tokens": firstWithControlTokens.map(JSON.string) ?? .null,
    ]
  }

  /// Nil where a number is missing or negative.
  init?(_ json: JSON) {
    func count(_ key: String) -> Int? { json[key]?.integer.flatMap { $0 >= 0 ? $0 : nil } }
    guard let rows = count("rows"), let dropped = count("dropped_rows"),
      let truncated = count("truncated_rows"), let withoutEnd = count("rows_without_end"),
      let withControlTokens = count("rows_with_control_tokens")
    else { return nil }
    self.rows = rows
    droppedRows = dropped
    truncatedRows = truncated
    rowsWithoutEnd = withoutEnd
    rowsWithControlTokens = withControlTokens
    firstWithControlTokens = json["first_with_control_tokens"]?.string
  }
}
