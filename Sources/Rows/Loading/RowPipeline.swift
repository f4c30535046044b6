import Formats
import Text

/// Rows on their way from files to whoever wants them: read by one thread, made tokens of by several, handed
/// over in the order of the files.
///
/// What is in flight is bounded, and nothing depends on the number of threads.
struct RowPipeline<Result: Sendable> {
  /// What makes tokens of rows; nil: there are none.
  let renderer: Renderer?
  /// What is wanted of a row. Called on any thread.
  let look: @Sendable (RowOutcome) -> Result

  private struct Batch: Sendable {
    let source: Int
    let bytes: Int
    let rows: [Result]
  }

  /// Gets the number of a source, what was wanted of a row, and about how many bytes were read since the last.
  typealias Body = (_ source: Int, _ result: Result, _ bytes: Int) throws(Problem) -> Void

  /// Reads all rows.
  ///
  /// - Parameter sources: Each of a format of its own.
  func run(_ sources: [RowSource], _ body: Body) throws(Problem) {
    let threads = RowThreads.count
    let work = OrderedWork(threads: threads) { worked($0) }
    var isRefused = false
    func deliver() throws(Problem) {
      do {
        try hand(work.next(), to: body)
      } catch {
        isRefused = true
        throw error
      }
    }
    for (number, source) in sources.enumerated() {
      let reader = RowReader(source)
      var batch = RowBatch(reader: reader, source: number)
      func pass() throws(Problem) {
        work.submit(batch)
        batch = RowBatch(reader: reader, source: number)
        while work.inFlight > 2 * threads { try deliver() }
      }
      do {
        for path in try source.files() {
          try RowFile(path).forEachResult { place, result throws(Problem) in
            batch.add(place, result)
            if batch.isFull { try pass() }
          }
        }
        try pass()
      } catch {
        // The rows before a fault of a file come first, and what is wrong with them.
        if !isRefused {
          work.submit(batch)
          while work.inFlight > 0 { try deliver() }
        }
        throw error
      }
    }
    while work.inFlight > 0 { try deliver() }
  }

  private func hand(_ batch: Batch, to body: Body) throws(Problem) {
    var bytes = batch.bytes
    for row in batch.rows {
      try body(batch.source, row, bytes)
      bytes = 0
    }
  }

  private func worked(_ batch: RowBatch) -> Batch {
    let rows = batch.rows.map { place, json in
      switch json {
      case .success(let json): look(RowOutcome(json, at: place, batch.reader, renderer))
      case .failure(let fault): look(RowOutcome(malformed: fault, at: place))
      }
    }
    return Batch(source: batch.source, bytes: batch.bytes, rows: rows)
  }
}
