import Formats
import Text

/// Applies a policy to one row at a time: looks at it, repairs it, looks again.
struct RowCleaner {
  private let policy: RowPolicy
  private let checks: [any RowCheck]
  private let renderer: Renderer?
  private let repairs: RowRepairs
  private let trims: Bool

  /// A repair may show what stood behind it, as an address behind invisible characters.
  private static let rounds = 4

  /// - Parameter trims: Whether white space around texts is removed.
  init(_ check: RowCheckRun, policy: RowPolicy, trims: Bool) {
    self.policy = policy
    self.trims = trims
    checks = check.checks
    renderer = check.renderer
    repairs = RowRepairs(controlTokens: check.controlTokens, policy: policy)
  }

  /// - Throws: For a finding at which the preparation is to stop.
  func cleaned(_ outcome: RowOutcome, _ source: RowSource) throws(Problem) -> CleanedRow {
    var row = CleanedRow(row: CheckedRow(outcome))
    if trims, let (json, edit) = repairs.trimmed(outcome.json, mapping: source.mapping) {
      row.row = CheckedRow(reread(json, outcome.place, source))
      var change = RowChange(outcome.place, "trim", .fixed, "white space around a text was removed")
      change.edit = edit
      row.changes.append(change)
    }
    for round in 0... {
      guard let current = row.row else { break }
      let findings = findings(in: current)
      let toFix = findings.filter { policy.action(for: $0) == .fix }
      // Repairs come first: with one thing repaired, another may be gone as well.
      if !toFix.isEmpty, round < Self.rounds,
        let json = repair(current.outcome.json, source.mapping, toFix, &row.changes)
      {
        row.row = CheckedRow(reread(json, current.place, source))
        continue
      }
      if let drop = try stopped(by: findings) {
        return CleanedRow(changes: [RowChange(drop, .dropped)])
      }
      if let first = toFix.first {
        let reason = "\(first.sentence), and the repair does not help"
        return CleanedRow(
          changes: [RowChange(first.place, first.kind.rawValue, .dropped, reason)])
      }
      row.kept = findings
      break
    }
    return row
  }

  private func findings(in row: CheckedRow) -> [RowFinding] {
    if let fault = row.outcome.fault { return [RefusedRow.finding(row.outcome, fault)] }
    return checks.flatMap { $0.findings(in: row) }
  }

  /// - Returns: The finding for which the row is left out.
  private func stopped(by findings: [RowFinding]) throws(Problem) -> RowFinding? {
    for finding in findings where policy.action(for: finding) == .fail { throw finding.stop }
    return findings.first { policy.action(for: $0) == .drop }
  }

  /// nil where nothing changed.
  private func repair(
    _ json: JSON, _ mapping: RowMapping, _ findings: [RowFinding], _ changes: inout [RowChange]
  ) -> JSON? {
    // Personal data first: what later repairs show of a text is free of it.
    let isPersonal = { (finding: RowFinding) in
      Redaction.names.contains { $0.kind == finding.kind }
    }
    var repaired: JSON?
    var done: Set<RowFindingKind> = []
    for finding in findings.filter(isPersonal) + findings.filter({ !isPersonal($0) })
    where done.insert(finding.kind).inserted {
      let result = repairs.repaired(repaired ?? json, finding.kind, mapping: mapping)
      guard let (row, edit) = result else { continue }
      repaired = row
      var change = RowChange(finding, .fixed)
      change.edit = edit
      changes.append(change)
    }
    return repaired
  }

  /// A row that was changed, as it will be read the next time.
  private func reread(_ json: JSON, _ place: RowPlace, _ source: RowSource) -> RowOutcome {
    RowOutcome(json, at: place, RowReader(source), renderer)
  }
}

extension RowFinding {
  /// The end of a preparation that was told to stop at this kind.
  var stop: Problem {
    Problem(
      place.line == 0 ? place.file : place.description,
      "\(sentence) (\(kind.rawValue)), and nothing was written. \(kind.advice)")
  }
}
