import Formats

/// What a look at all rows shows: those that are nearly others, and those that are like no other.
struct RowComparison {
  private let run: PreparationRun
  private let records: RowRecords
  private let waiting: WaitingRows
  /// Rows that are left out, by their number, and why.
  private(set) var removed: [Int: RowFinding] = [:]
  /// What was found and stays, by row.
  private var keptOf: [Int: [RowFinding]] = [:]

  /// Leaving a row out may bring others beside each other that were not compared before.
  private static let rounds = 8

  /// - Throws: For a finding at which the preparation is to stop.
  init(
    _ run: PreparationRun, records: RowRecords, waiting: WaitingRows
  ) throws(Problem) {
    self.run = run
    self.records = records
    self.waiting = waiting
    try compareNeighbours()
    for source in run.check.sources.indices { try look(at: source) }
  }

  var kept: [RowFinding] { keptOf.sorted { $0.key < $1.key }.flatMap(\.value) }

  private mutating func compareNeighbours() throws(Problem) {
    guard let near = waiting.near else { return }
    for _ in 0..<Self.rounds {
      let before = removed.count
      let pairs = try near.alike(except: { removed[$0] != nil }) { numbers throws(Problem) in
        try waiting.shingles(of: numbers)
      }
      for (pair, similarity) in pairs
      where removed[pair.first] == nil && removed[pair.second] == nil {
        try apply(finding(pair, similarity), to: pair.second)
      }
      if removed.count == before { break }
    }
    waiting.forgetWords()
  }

  private func finding(_ pair: NearDuplicates.Pair, _ similarity: Double) -> RowFinding {
    let sources = run.check.sources
    let isLeak =
      sources[records.source(pair.first)].part == .heldOut
      && sources[records.source(pair.second)].part == .train
    let other = records.place(pair.first)
    let percent = Int((100 * similarity).rounded(.down))
    return RowFinding(
      isLeak ? .nearLeak : .nearDuplicate, records.place(pair.second),
      "the row is nearly the \(isLeak ? "held-out row" : "one at") \(other): \(percent) % of their word"
        + " sequences are the same", other: other)
  }

  private mutating func look(at source: Int) throws(Problem) {
    let unusual = records.unusualLengths(of: source) { removed[$0] != nil }
    for (row, sentence) in unusual {
      try apply(RowFinding(.unusualLength, records.place(row), sentence), to: row)
    }
    if let found = records.dominantAnswer(of: source) {
      let sentence =
        "\(found.count) of \(found.rows) rows of the file have the same answer as this one"
      try apply(RowFinding(.dominantAnswer, records.place(found.row), sentence), to: found.row)
    }
  }

  private mutating func apply(_ finding: RowFinding, to row: Int) throws(Problem) {
    switch run.policy.action(for: finding) {
    case .fail: throw finding.stop
    case .drop, .fix: removed[row] = finding
    case .keep:
      let isKnown = keptOf[row]?.contains { $0.kind == finding.kind } ?? false
      if !isKnown { keptOf[row, default: []].append(finding) }
    }
  }
}
