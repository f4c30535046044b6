package import Formats

/// What happens to rows by what was found in them.
///
/// A rule for a kind counts more than one for a severity, and that more than one for all; then come the
/// defaults: damage is dropped, and so are rows that stand before; everything else is kept.
package struct RowPolicy: Sendable {
  private var ofKinds: [RowFindingKind: RowAction] = [:]
  private var ofSeverities: [RowFinding.Severity: RowAction] = [:]
  private var ofAll: RowAction?

  package init() {}

  /// - Parameter rules: Each `NAME=ACTION`, where NAME is a kind, a severity, or "all"; of two for one name
  ///   the later one counts.
  package init(_ rules: [String]) throws(Problem) {
    var problems: [String] = []
    for rule in rules {
      do {
        try add(rule)
      } catch {
        problems.append(error.sentence)
      }
    }
    guard problems.isEmpty else { throw Problem(heading: "--on", problems: problems) }
  }

  /// Repairs rows with findings of these kinds.
  package mutating func fix(_ kinds: [RowFindingKind]) {
    for kind in kinds { ofKinds[kind] = .fix }
  }

  private mutating func add(_ rule: String) throws(RowFault) {
    let parts = rule.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, let action = RowAction(rawValue: parts[1]) else {
      let actions = RowAction.allCases.map(\.rawValue).joined(separator: "|")
      throw RowFault("found \"\(rule)\", expected KIND=\(actions)")
    }
    if parts[0] == "all" {
      ofAll = action
    } else if let severity = RowFinding.Severity(rawValue: parts[0]) {
      ofSeverities[severity] = action
    } else if let kind = RowFindingKind(rawValue: parts[0]) {
      guard kind.actions.contains(action) else { throw Self.refusal(kind, action) }
      ofKinds[kind] = action
    } else {
      throw Self.unknown(parts[0])
    }
  }

  private static func refusal(_ kind: RowFindingKind, _ action: RowAction) -> RowFault {
    let allowed = kind.actions.map(\.rawValue).joined(separator: ", ")
    let sentence =
      "\"\(kind.rawValue)\" cannot be \"\(action.rawValue)\", expected one of: \(allowed)"
    guard action == .fix else { return RowFault(sentence) }
    let repaired = RowFindingKind.allCases.filter(\.hasRepair).map(\.rawValue)
    return RowFault(sentence + "; there is a repair for \(repaired.joined(separator: ", "))")
  }

  private static func unknown(_ name: String) -> RowFault {
    let severities = RowFinding.Severity.allCases.map(\.rawValue)
    let kinds = RowFindingKind.allCases.map(\.rawValue)
    let meant = nearest(to: name, among: kinds + severities + ["all"])
    let hint = meant.map { "; did you mean \"\($0)\"?" } ?? "; finetune data check shows kinds"
    return RowFault(
      "\"\(name)\" is unknown, expected a kind of finding, \(severities.joined(separator: ", ")) or all"
        + hint)
  }

  /// What happens to a row with this finding.
  package func action(for finding: RowFinding) -> RowAction {
    action(for: finding.kind, finding.severity)
  }

  /// - Parameter severity: Of the finding; a row that was refused is damage whatever its kind.
  package func action(
    for kind: RowFindingKind, _ severity: RowFinding.Severity? = nil
  ) -> RowAction {
    let severity = severity ?? kind.severity
    let candidates = [
      ofKinds[kind], ofSeverities[severity], ofAll, Self.ofKinds[kind], Self.ofSeverity(severity),
    ]
    // A rule for many kinds does what it can: "doubt=fix" repairs where there is a repair.
    return candidates.compactMap { $0 }.first(where: kind.actions.contains) ?? .keep
  }

  private static let ofKinds: [RowFindingKind: RowAction] = [
    .duplicate: .drop, .unreadableFile: .fail, .sameFile: .drop,
  ]

  private static func ofSeverity(_ severity: RowFinding.Severity) -> RowAction {
    severity == .damage ? .drop : .keep
  }

  /// What happens to each kind.
  package var json: JSON {
    .object(
      JSONObject(RowFindingKind.allCases.map { ($0.rawValue, .string(action(for: $0).rawValue)) }))
  }
}
