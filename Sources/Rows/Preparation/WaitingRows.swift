import Formats

/// Rows that stay for now, in a file for each source, until all rows were looked at.
final class WaitingRows {
  private let sources: [RowCheckRun.Source]
  private let directory: String
  /// The file that rows are added to, and its source. Sources come one after the other.
  private var current: (source: Int, file: PreparedFile)?
  /// Sources of which rows are here.
  private var known: Set<Int> = []
  private var count = 0
  /// nil where rows that are nearly the same are kept anyway.
  private(set) var near: NearDuplicates?

  init(_ run: PreparationRun, directory: String) {
    sources = run.check.sources
    self.directory = directory
    let compares = [.nearDuplicate, .nearLeak].contains { run.policy.action(for: $0) != .keep }
    near = compares ? NearDuplicates(budget: run.check.shinglesKept) : nil
  }

  private func path(_ source: Int) -> String { "\(directory)/.waiting-\(source).jsonl" }

  func add(_ row: CheckedRow, _ source: Int) throws(Problem) {
    if near != nil, row.outcome.fault == nil, let set = ShingleSet(row) {
      near?.add(set, number: count)
    }
    count += 1
    if current?.source != source {
      try close()
      current = (source, try PreparedFile(path(source)))
      known.insert(source)
    }
    try current?.file.write(row.outcome.json)
  }

  private func close() throws(Problem) {
    _ = try current?.file.close()
    current = nil
  }

  /// Reads the rows of a source again. Their places are those in the file here.
  func forEach(
    _ source: Int, _ body: (CheckedRow) throws(Problem) -> Void
  ) throws(Problem) {
    try close()
    guard known.contains(source) else { return }
    try RowSet.forEach([sources[source].rows.at(path(source))], renderer: nil) {
      outcome throws(Problem) in
      try body(CheckedRow(outcome))
    }
  }

  /// The words of some rows, by their numbers.
  func shingles(of numbers: Set<Int>) throws(Problem) -> [Int: ShingleSet] {
    var sets: [Int: ShingleSet] = [:]
    var number = 0
    for source in sources.indices {
      try forEach(source) { row in
        if numbers.contains(number) { sets[number] = ShingleSet(row) }
        number += 1
      }
    }
    return sets
  }

  /// Gives back the memory for comparing rows.
  func forgetWords() { near = nil }

  func remove() throws(Problem) {
    for source in known { try removeTree(path(source)) }
  }
}
