import Formats
import Text

/// Collects what is to be said about rows, one row after the other.
struct RowChecker {
  private let checks: [any RowCheck]
  private let sources: [RowCheckRun.Source]
  private var records = RowRecords()
  private var near: NearDuplicates
  private(set) var report: RowCheckReport

  init(_ run: RowCheckRun) {
    sources = run.sources
    near = NearDuplicates(budget: run.shinglesKept)
    report = RowCheckReport(kept: run.findingsKept)
    report.isRendered = run.renderer != nil
    checks = run.checks
  }

  /// - Parameter source: Which of the sources the row is from.
  mutating func add(_ outcome: RowOutcome, source: Int) {
    report.rows += 1
    report.unused.add(outcome.unusedKeys, of: outcome.place.file)
    if let fault = outcome.fault {
      report.refusedRows += 1
      report.add(RefusedRow.finding(outcome, fault))
      records.add(nil, outcome.place, source: source)
      return
    }
    let row = CheckedRow(outcome)
    for check in checks {
      for finding in check.findings(in: row) { report.add(finding) }
    }
    if let set = ShingleSet(row) { near.add(set, number: records.count) }
    records.add(row, outcome.place, source: source)
  }

  mutating func add(_ finding: RowFinding) { report.add(finding) }

  // MARK: What needs all rows

  /// - Parameter shingles: Reads the words of some rows again.
  mutating func finish(
    _ shingles: (Set<Int>) throws(Problem) -> [Int: ShingleSet]
  ) throws(Problem) {
    let repeated = addDuplicates()
    try addNearDuplicates(except: repeated, shingles)
    // What comes next takes memory of its own.
    near = NearDuplicates(budget: 0)
    for source in sources.indices {
      addDominantAnswer(source)
      for (row, sentence) in records.unusualLengths(of: source) {
        report.add(RowFinding(.unusualLength, place(row), sentence))
      }
    }
  }

  private func place(_ number: Int) -> RowPlace { records.place(number) }

  private func part(_ number: Int) -> RowPart { sources[records.source(number)].part }

  /// - Returns: Rows that stand before as they are.
  private mutating func addDuplicates() -> Set<Int> {
    var repeated: Set<Int> = []
    var findings: [(Int, RowFinding)] = []
    for group in records.groups() {
      let learned = group.first { part($0) == .train }
      for row in group.dropFirst() {
        repeated.insert(row)
        let isLeak = part(row) == .heldOut && learned != nil
        let other = place(isLeak ? learned ?? group[0] : group[0])
        let sentence =
          isLeak
          ? "the held-out row is also a training row, \(other)"
          : "the row stands at \(other) already"
        findings.append(
          (row, RowFinding(isLeak ? .leak : .duplicate, place(row), sentence, other: other)))
      }
    }
    for (_, finding) in findings.sorted(by: { $0.0 < $1.0 }) { report.add(finding) }
    return repeated
  }

  private mutating func addDominantAnswer(_ source: Int) {
    guard let found = records.dominantAnswer(of: source) else { return }
    let share = Int((100 * Double(found.count) / Double(found.rows)).rounded())
    report.add(
      RowFinding(
        .dominantAnswer, place(found.row),
        "\(found.count) of \(found.rows) rows of the file (\(share) %) have the same answer as this one"
      ))
  }

  // MARK: Nearly the same

  private mutating func addNearDuplicates(
    except repeated: Set<Int>, _ shingles: (Set<Int>) throws(Problem) -> [Int: ShingleSet]
  ) throws(Problem) {
    var found: [Int: [(row: Int, similarity: Double)]] = [:]
    for (pair, similarity) in try near.alike(except: repeated.contains, shingles) {
      found[pair.second, default: []].append((pair.first, similarity))
    }
    for (row, others) in found.sorted(by: { $0.key < $1.key }) { add(row, likeOneOf: others) }
  }

  private mutating func add(_ row: Int, likeOneOf others: [(row: Int, similarity: Double)]) {
    let isHeldOut = part(row) == .heldOut
    let learned = isHeldOut ? others.first { part($0.row) == .train } : nil
    guard let other = learned ?? others.first else { return }
    let percent = Int((100 * other.similarity).rounded(.down))
    let name = place(other.row)
    let sentence =
      learned == nil
      ? "the row is nearly the one at \(name): \(percent) % of their word sequences are the same"
      : "the held-out row is nearly the training row \(name): \(percent) % of their word sequences are the same"
    report.add(
      RowFinding(
        learned == nil ? .nearDuplicate : .nearLeak, place(row), sentence, other: name))
  }
}
