import Formats

/// `changes.jsonl`, and the counts of what is in it.
final class ChangeLog {
  private(set) var report: PreparationReport
  private let file: PreparedFile

  /// - Parameter options: What was asked for.
  init(_ path: String, options: JSON) throws(Problem) {
    report = PreparationReport(options: options)
    file = try PreparedFile(path)
  }

  func add(_ change: RowChange) throws(Problem) {
    report.count(change)
    try file.write(change.json)
  }

  /// Findings that stay; they are counted, and `data check` shows where they are.
  func keep(_ findings: [RowFinding]) {
    for finding in findings { report.countKept(finding.kind) }
  }

  func finish() throws(Problem) { _ = try file.close() }
}
