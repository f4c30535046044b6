import Formats
import Rows

/// What a preparation did, for people.
struct PreparationTable {
  let report: PreparationReport
  let files: String
  /// The directory that was written.
  let output: String
  let remark: String?

  func text(on terminal: Terminal) -> String {
    var text = terminal.bold("\(files): \(headline)") + "\n"
    if let remark { text += "note: \(remark)\n" }
    if !report.entries.isEmpty { text += "\n" + changes.text }
    text += "\n" + outputs.text
    for file in report.outputs where file.rows == 0 {
      text += "note: no row is in \(file.name)\n"
    }
    return text
  }

  private var headline: String {
    let counts = [
      (report.rowsWritten, "written"), (report.rowsDropped, "dropped"), (report.rowsFixed, "fixed"),
      (report.rowsAugmented, "augmented"), (report.copies, "added as copies"),
    ]
    let shown = counts.enumerated().filter { $0.offset == 0 || $0.element.0 > 0 }
      .map { "\(NumberText.grouped($0.element.0)) \($0.element.1)" }
    return "\(NumberText.grouped(report.rowsRead)) rows read, " + shown.joined(separator: ", ")
  }

  /// A line for each kind, a column for each thing that happened at all.
  private var changes: Table {
    let columns: [(name: String, count: (PreparationReport.Entry) -> Int)] = [
      ("fixed", \.fixed), ("dropped", \.dropped), ("kept", \.kept), ("augmented", \.augmented),
      ("copied", \.copied),
    ].filter { column in report.entries.contains { column.count($0) > 0 } }
    var table = Table(rows: [[""] + columns.map(\.name)])
    for entry in report.entries {
      let counts = columns.map { $0.count(entry) }
      table.rows.append([entry.name] + counts.map { $0 == 0 ? "" : NumberText.grouped($0) })
    }
    return table
  }

  private var outputs: Table {
    var table = Table(rows: [])
    for file in report.outputs {
      table.rows.append(["\(output)/\(file.name)", Self.count(file.rows, "row")])
    }
    table.rows.append(["\(output)/changes.jsonl", Self.count(report.changes, "change")])
    table.rows.append(["\(output)/report.json"])
    return table
  }

  private static func count(_ count: Int, _ noun: String) -> String {
    count == 1 ? "1 \(noun)" : "\(NumberText.grouped(count)) \(noun)s"
  }
}
