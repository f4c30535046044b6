import Formats

/// The files of a preparation, one by one and each once, in the order in which they are read.
struct PreparationSources {
  /// Held-out files come first, so that of equal rows it is the training row that goes, never one to
  /// measure on. Each has a format of its own.
  private(set) var sources: [RowCheckRun.Source] = []
  /// Files that are named again: not read again, or read on purpose.
  private(set) var leftOut: [RowFinding] = []
  private(set) var kept: [RowFinding] = []

  /// - Throws: Where there is no such file, where rows are of no known format, and where a file is named
  ///   again and that is a reason to stop.
  init(_ given: [RowCheckRun.Source], policy: RowPolicy) throws(Problem) {
    var first: [[UInt8]: (path: String, part: RowPart)] = [:]
    for part in [RowPart.heldOut, .train] {
      for source in given where source.part == part {
        let rows = try source.rows.recognized()
        for path in try rows.files() {
          let key = Array(resolvedPath(path).utf8)
          if let other = first[key] {
            let finding = RowCheckRun.repeatedFile((path, part), as: other)
            guard try isRead(finding, isSamePart: other.part == part, policy) else { continue }
          }
          first[key] = (path, part)
          sources.append(RowCheckRun.Source(rows.at(path), part))
        }
      }
    }
  }

  private mutating func isRead(
    _ finding: RowFinding, isSamePart: Bool, _ policy: RowPolicy
  ) throws(Problem) -> Bool {
    switch policy.action(for: finding) {
    case .fail: throw finding.stop
    case .drop, .fix:
      // Which of both was meant is not for us to say.
      guard isSamePart else { throw finding.stop }
      leftOut.append(finding)
      return false
    case .keep:
      kept.append(finding)
      return true
    }
  }
}
