import Formats

/// Rows that stay for now, in a file for each source, until all rows were looked at.
final class WaitingRows {
  private let sources: [RowCheckRun.Source]
  private let files: [PreparedFile]
  private var areClosed = false
  private var count = 0
  /// nil where rows that are nearly the same are kept anyway.
  private(set) var near: NearDuplicates?

  init(_ run: PreparationRun, directory: String) throws(Problem) {
    sources = run.check.sources
    var files: [PreparedFile] = []
    for index in sources.indices {
      files.append(try PreparedFile("\(directory)/.waiting-\(index).jsonl"))
    }
    self.files = files
    let compares = [.nearDuplicate, .nearLeak].contains { run.policy.action(for: $0) != .keep }
    near = compares ? NearDuplicates(budget: run.check.shinglesKept) : nil
  }

  func add(_ row: CheckedRow, _ source: Int) throws(Problem) {
    if near != nil, row.outcome.fault == nil, let set = ShingleSet(row) {
      near?.add(set, number: count)
    }
    count += 1
    try files[source].write(row.outcome.json)
  }

  /// Reads the rows of a source again. Their places are those in the file here.
  func forEach(
    _ source: Int, _ body: (CheckedRow) throws(Problem) -> Void
  ) throws(Problem) {
    if !areClosed {
      areClosed = true
      for file in files { _ = try file.close() }
    }
    // A list that nothing was added to is no file to read.
    if files[source].rows == 0 { return }
    let rows = RowSource(path: files[source].path, format: sources[source].rows.format)
    try RowSet.forEach([rows], renderer: nil) { outcome throws(Problem) in
      try body(CheckedRow(outcome))
    }
  }

  /// The words of some rows, by their numbers.
  func shingles(
    of numbers: Set<Int>, _ order: [Int]
  ) throws(Problem) -> [Int: ShingleSet] {
    var sets: [Int: ShingleSet] = [:]
    var number = 0
    for source in order {
      try forEach(source) { row in
        if numbers.contains(number) { sets[number] = ShingleSet(row) }
        number += 1
      }
    }
    return sets
  }

  func remove() throws(Problem) {
    for file in files { try removeTree(file.path) }
  }
}
