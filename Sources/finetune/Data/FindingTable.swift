import Formats
import Rows

/// What a check found, for people: a line for each kind, then where it is.
struct FindingTable {
  /// Findings of a kind that are told one by one unless all are asked for.
  static let shown = 3

  let report: RowCheckReport
  let files: String
  let remark: String?

  func text(on terminal: Terminal) -> String {
    var text = terminal.bold(headline) + "\n"
    for note in [remark].compactMap(\.self) + report.unused.sentences { text += "note: \(note)\n" }
    guard !report.entries.isEmpty else { return text }
    for severity in RowFinding.Severity.allCases {
      let entries = report.entries.filter { $0.severity == severity }
      if entries.isEmpty { continue }
      text += "\n" + terminal.bold(Self.heading(severity)) + "\n" + lines(entries, terminal)
    }
    return text + "\n" + report.entries.map { details($0, terminal) }.joined()
  }

  private var headline: String {
    let rows = report.rows == 1 ? "1 row" : "\(NumberText.grouped(report.rows)) rows"
    guard !report.entries.isEmpty else { return "\(files): \(rows), nothing found" }
    let total = RowFinding.Severity.allCases.reduce(0) { $0 + report.count($1) }
    let counts = [
      (report.count(.damage), "damage", "damage"), (report.count(.doubt), "doubt", "doubts"),
      (report.count(.note), "note", "notes"),
    ].filter { $0.0 > 0 }.map { "\(NumberText.grouped($0.0)) \($0.0 == 1 ? $0.1 : $0.2)" }
    return "\(files): \(rows), \(NumberText.grouped(total)) \(total == 1 ? "finding" : "findings")"
      + " (\(counts.joined(separator: ", ")))"
  }

  private static func heading(_ severity: RowFinding.Severity) -> String {
    switch severity {
    case .damage: "Damage: the run would lose these rows, stop, or learn or measure something wrong"
    case .doubt: "Doubts: likely mistakes"
    case .note: "Notes: worth knowing"
    }
  }

  // MARK: A line for each kind

  private func lines(_ entries: [RowCheckReport.Entry], _ terminal: Terminal) -> String {
    let cells = entries.map { entry in
      (entry.kind.rawValue, NumberText.grouped(entry.count), places(entry), entry.kind.advice)
    }
    let all = report.entries
    let kindWidth = all.map(\.kind.rawValue.count).max() ?? 0
    let countWidth = all.map { NumberText.grouped($0.count).count }.max() ?? 0
    let placeWidth = all.map { places($0).count }.max() ?? 0
    return cells.map { kind, count, places, advice in
      "  " + padded(kind, kindWidth) + "  " + leftPadded(count, to: countWidth) + "  "
        + padded(places, placeWidth) + "  " + terminal.dim(advice) + "\n"
    }.joined()
  }

  /// "rows.jsonl:12, 40, 97 …"
  private func places(_ entry: RowCheckReport.Entry) -> String {
    var text = ""
    var file = ""
    for finding in entry.findings.prefix(Self.shown) {
      let name = lastPathComponent(finding.place.file)
      let line = finding.place.line
      text += text.isEmpty ? "" : ", "
      text += line == 0 ? name : name == file ? "\(line)" : "\(name):\(line)"
      file = name
    }
    return text + (entry.count > Self.shown ? " …" : "")
  }

  private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  // MARK: One by one

  private func details(_ entry: RowCheckReport.Entry, _ terminal: Terminal) -> String {
    var text = terminal.bold(entry.kind.rawValue) + "\n"
    for finding in entry.findings { text += "  \(finding)\n" }
    let rest = entry.count - entry.findings.count
    if rest > 0 { text += terminal.dim("  and \(NumberText.grouped(rest)) more (--all)") + "\n" }
    return text
  }
}
