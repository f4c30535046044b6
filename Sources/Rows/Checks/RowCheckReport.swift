package import Formats

/// What a check of some files found.
package struct RowCheckReport: Sendable {
  /// How many findings there are of a kind, and the first of them.
  package struct Entry: Sendable {
    package let kind: RowFindingKind
    package let severity: RowFinding.Severity
    package internal(set) var count = 0
    /// In the order of files and rows, as many as were to be kept.
    package internal(set) var findings: [RowFinding] = []
  }

  package internal(set) var rows = 0
  package internal(set) var refusedRows = 0
  /// Whether rows were rendered: without a model nothing is known about tokens.
  package internal(set) var isRendered = false
  /// Members of rows that nothing uses.
  package internal(set) var unused = UnusedKeys()
  /// By severity, then in the order of kinds.
  package private(set) var entries: [Entry] = []
  private let kept: Int

  init(kept: Int) { self.kept = kept }

  mutating func add(_ finding: RowFinding) {
    let place = entries.firstIndex { $0.kind == finding.kind && $0.severity == finding.severity }
    let index: Int
    if let place {
      index = place
    } else {
      let entry = Entry(kind: finding.kind, severity: finding.severity)
      index = entries.firstIndex { Self.order(entry) < Self.order($0) } ?? entries.count
      entries.insert(entry, at: index)
    }
    entries[index].count += 1
    if entries[index].findings.count < kept { entries[index].findings.append(finding) }
  }

  private static func order(_ entry: Entry) -> (Int, Int) {
    (
      RowFinding.Severity.allCases.firstIndex(of: entry.severity) ?? 0,
      RowFindingKind.allCases.firstIndex(of: entry.kind) ?? 0
    )
  }

  /// Findings of one severity.
  package func count(_ severity: RowFinding.Severity) -> Int {
    entries.filter { $0.severity == severity }.reduce(0) { $0 + $1.count }
  }

  /// All that were kept.
  package var findings: [RowFinding] { entries.flatMap(\.findings) }

  /// The object that `--json` prints.
  package var json: JSON {
    [
      "rows": .integer(rows), "refused_rows": .integer(refusedRows), "rendered": .bool(isRendered),
      "damage": .integer(count(.damage)), "doubts": .integer(count(.doubt)),
      "notes": .integer(count(.note)),
      "kinds": .object(
        JSONObject(
          Dictionary(grouping: entries, by: \.kind.rawValue).map { name, entries in
            (key: name, value: JSON.integer(entries.reduce(0) { $0 + $1.count }))
          }.sorted { $0.key < $1.key })),
      "unused_keys": unused.json, "findings": .array(findings.map(\.json)),
    ]
  }
}
