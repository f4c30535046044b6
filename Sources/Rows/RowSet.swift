package import Formats
package import Text

/// The rows of some files as tokens, with a verdict on every row that was not taken as it is.
package struct RowSet: Sendable {
  package let rows: any RowStore
  package let summary: RowSummary
  private let verdictLog: RowVerdictLog
  /// Where the rows are from, as messages name it.
  private let files: String

  init(_ loading: RowLoading, _ rows: any RowStore, _ summary: RowSummary, _ log: RowVerdictLog) {
    self.rows = rows
    self.summary = summary
    verdictLog = log
    files = loading.names
  }

  /// Reads, renders and tokenizes all rows into memory.
  ///
  /// - Parameter progress: Called now and then.
  /// - Returns: Rows that each have something to learn from.
  /// - Throws: For a file that cannot be read as rows, a template that does not fit the model, rows that
  ///   are too long where that is an error, and if nothing is left to learn from.
  package static func load(
    _ loading: RowLoading, progress: (RowsRead) -> Void = { _ in }
  ) throws(Problem) -> RowSet {
    var rows = MemoryRowStore()
    var verdicts: [RowVerdict] = []
    let summary = try loading.run(progress: progress) { row, source in
      for admitted in row.admitted { rows.add(admitted, row.place, source: source) }
      verdicts += row.verdicts
    }
    return RowSet(loading, rows, summary, .memory(verdicts))
  }

  /// Reads the rows of `sources`; several threads make tokens of them.
  ///
  /// - Parameters:
  ///   - renderer: What makes tokens of them; nil: there are none.
  ///   - body: Gets the rows one by one, in order, also those that cannot be read.
  package static func forEach(
    _ sources: [RowSource], renderer: Renderer?, _ body: (RowOutcome) throws(Problem) -> Void
  ) throws(Problem) {
    let pipeline = RowPipeline(renderer: renderer, look: { $0 })
    let sources = try sources.map { source throws(Problem) in try source.recognized() }
    try pipeline.run(sources) { _, outcome, _ throws(Problem) in try body(outcome) }
  }

  /// The verdicts, where they are in memory.
  package var verdicts: [RowVerdict] { verdictLog.list }

  /// Appends the verdicts to a file of lines.
  package func writeVerdicts(to file: OutputFile) throws(Problem) {
    try verdictLog.write(to: file)
  }

  /// Doubts about all rows together, as sentences.
  package var warnings: [String] {
    var warnings = summary.unused.sentences
    if summary.rowsWithoutEnd > 0 {
      warnings.append(
        "\(files): in \(summary.rowsWithoutEnd) of \(rows.count) rows no end-of-turn token follows the"
          + " assistant's text, so the model does not learn to stop there; check data.template")
    }
    return warnings
  }
}
