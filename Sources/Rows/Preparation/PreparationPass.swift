import Formats
import Text

/// One preparation as it goes on: reads rows, applies the rules, and hands on what stays.
///
/// Where a rule needs a look at all rows, rows wait in files of their own until all were read.
final class PreparationPass {
  private let run: PreparationRun
  private let cleaner: RowCleaner
  private let log: ChangeLog
  private let arranger: RowArranger
  private let waiting: WaitingRows?
  private var seen = SeenRows()
  private var records = RowRecords()
  private var inputs = PreparationInputs()
  private var rowsDropped = 0
  private var rowsFixed = 0

  init(
    _ run: PreparationRun, _ files: PreparationSources, directory: String
  ) throws(Problem) {
    self.run = run
    cleaner = RowCleaner(run.check, policy: run.policy, trims: run.trims)
    let log = try ChangeLog("\(directory)/\(PreparedDirectory.changes)", options: run.options)
    self.log = log
    arranger = try RowArranger(run, directory: directory) { change throws(Problem) in
      try log.add(change)
    }
    let mustWait = RowFindingKind.allCases.contains {
      $0.needsAllRows && run.policy.action(for: $0) != .keep
    }
    waiting = mustWait ? WaitingRows(run, directory: directory) : nil
    for finding in files.leftOut { try log.add(RowChange(finding, .dropped)) }
    log.keep(files.kept)
  }

  // MARK: Reading

  func read(_ index: Int, progress: (Int) -> Void) throws(Problem) {
    let source = run.check.sources[index]
    var last: RowPlace?
    var fault: Problem?
    do throws(Problem) {
      try RowSet.forEach([source.rows], renderer: run.check.renderer) {
        outcome throws(Problem) in
        last = outcome.place
        do throws(Problem) {
          try add(outcome, index)
        } catch {
          fault = error
          throw error
        }
        if inputs.rows.isMultiple(of: 1024) { progress(inputs.rows) }
      }
    } catch {
      // A file of which nothing can be read is a slip in the command.
      guard fault == nil, let place = last else { throw error }
      let finding = RowFinding(.unreadableFile, place, error.description)
      guard run.policy.action(for: finding) == .drop else { throw error }
      try log.add(RowChange(finding, .dropped))
    }
  }

  private func add(_ outcome: RowOutcome, _ index: Int) throws(Problem) {
    let source = run.check.sources[index]
    if run.isStopped() { throw PreparationRun.stop(outcome.place.file) }
    inputs.add(outcome.place.file, source.part)
    var row = try cleaner.cleaned(outcome, source.rows)
    if let cleaned = row.row {
      var rejection = try run.filter.rejection(of: cleaned)
      if rejection == nil { rejection = try repetition(of: cleaned, index) }
      if let rejection { row = CleanedRow(changes: [rejection]) }
    }
    for change in row.changes { try log.add(change) }
    guard let cleaned = row.row else {
      rowsDropped += 1
      return
    }
    log.keep(row.kept)
    if !row.changes.isEmpty { rowsFixed += 1 }
    if let waiting {
      try waiting.add(cleaned, index)
    } else {
      try arranger.add(cleaned, place: cleaned.place, source: source)
    }
  }

  /// Remembers the row; says where it stands before, if that is a reason to leave it out.
  private func repetition(of row: CheckedRow, _ index: Int) throws(Problem) -> RowChange? {
    let taken = row.outcome.fault == nil ? row : nil
    let number = records.count
    if let content = taken.flatMap(RowRecords.content),
      let first = seen.earlier(content, number: number)
    {
      let finding = finding(row.place, first, index)
      switch run.policy.action(for: finding) {
      case .fail: throw finding.stop
      case .drop, .fix: return RowChange(finding, .dropped)
      case .keep: log.keep([finding])
      }
    }
    records.add(taken, row.place, source: index)
    return nil
  }

  private func finding(_ place: RowPlace, _ first: Int, _ index: Int) -> RowFinding {
    let other = records.place(first)
    let isLeak =
      run.check.sources[records.source(first)].part == .heldOut
      && run.check.sources[index].part == .train
    return isLeak
      ? RowFinding(.leak, place, "the training row is also held out, \(other)", other: other)
      : RowFinding(.duplicate, place, "the row stands at \(other) already", other: other)
  }

  // MARK: After all rows

  func finish() throws(Problem) -> PreparationReport {
    if let waiting {
      let comparison = try RowComparison(run, records: records, waiting: waiting)
      log.keep(comparison.kept)
      var number = 0
      for index in run.check.sources.indices {
        try waiting.forEach(index) { row throws(Problem) in
          if run.isStopped() { throw PreparationRun.stop(row.place.file) }
          if let finding = comparison.removed[number] {
            rowsDropped += 1
            try log.add(RowChange(finding, .dropped))
          } else {
            try arranger.add(
              row, place: records.place(number), source: run.check.sources[index])
          }
          number += 1
        }
      }
      try waiting.remove()
    }
    var report = log.report
    report.outputs = try arranger.finish()
    try log.finish()
    report.inputs = inputs.withDigests()
    report.rowsRead = inputs.rows
    report.rowsDropped = rowsDropped
    report.rowsFixed = rowsFixed
    report.rowsAugmented = arranger.rowsAugmented
    report.copies = arranger.copies
    return report
  }
}
