/// A row after all rules about single rows.
struct CleanedRow {
  /// The row as it will be written; nil: it is left out.
  var row: CheckedRow?
  /// What was done to it.
  var changes: [RowChange] = []
  /// What was found and stays.
  var kept: [RowFinding] = []
}
