package import Formats
package import Text

/// How rows become tokens: what decides, beside the files, which rows there are and what is in them.
package struct RowLoading: Sendable {
  package let sources: [RowSource]
  package let renderer: Renderer
  /// The most tokens that a row may have.
  package let maxLength: Int
  /// What happens to a longer one.
  package let overlong: Overlong
  /// What was recognized of sources that do not name their format, as sentences.
  package let recognitions: [String]

  /// - Throws: Where a source does not name its format, and its rows do not say it.
  package init(
    _ sources: [RowSource], renderer: Renderer, maxLength: Int, overlong: Overlong
  ) throws(Problem) {
    self.sources = try sources.map { source throws(Problem) in try source.recognized() }
    recognitions = zip(sources, self.sources).compactMap { $0.recognition(as: $1.format) }
    var renderer = renderer
    renderer.longestPart = maxLength
    self.renderer = renderer
    self.maxLength = maxLength
    self.overlong = overlong
  }

  /// Where the rows are from, as messages name it.
  var names: String { sources.map(\.path).joined(separator: ", ") }

  /// Reads, renders and tokenizes all rows, in order.
  ///
  /// - Parameters:
  ///   - progress: Called now and then.
  ///   - take: Gets what became of each row, and the number of its source.
  /// - Throws: For a file that cannot be read as rows, a template that does not fit the model, rows that
  ///   are too long where that is an error, and if nothing is left to learn from.
  func run(
    progress: (RowsRead) -> Void,
    take: (JudgedRow, _ source: Int) throws(Problem) -> Void
  ) throws(Problem) -> RowSummary {
    try renderer.checkTemplate()
    let admission = RowAdmission(renderer: renderer, maxLength: maxLength, overlong: overlong)
    let pipeline = RowPipeline(renderer: renderer, look: { admission.judge($0) })
    var summary = RowSummary()
    var overlong = SomeSentences()
    var dropped = SomeSentences()
    var malformed = SomeSentences()
    var state = RowsRead(totalBytes: try totalBytes())
    try pipeline.run(sources) { source, row, bytes throws(Problem) in
      summary.add(row)
      // Numbers of rows are held in 32 bits.
      guard summary.rows < Int32.max else {
        throw Problem(names, "there are more than \(Int32.max) rows in it; name fewer files")
      }
      if let sentence = row.needsComparison { throw Problem(row.place.description, sentence) }
      if let sentence = row.malformed { malformed.add("\(row.place): \(sentence)") }
      for sentence in row.overlong { overlong.add(sentence) }
      for verdict in row.verdicts where verdict.action == .dropped {
        dropped.add("\(verdict.place): \(verdict.reason)")
      }
      try take(row, source)
      state.add(bytes)
      if bytes > 0 { progress(state) }
    }
    try check(summary, malformed: malformed, overlong: overlong, dropped: dropped)
    return summary
  }

  private func check(
    _ summary: RowSummary, malformed: SomeSentences, overlong: SomeSentences,
    dropped: SomeSentences
  ) throws(Problem) {
    guard malformed.count == 0 else {
      let rows = malformed.count == 1 ? "a row" : "\(malformed.count) rows"
      throw Problem(
        heading:
          "\(names): \(rows) cannot be read; repair them, or let finetune data prepare write a file "
          + "without them", problems: malformed.shown)
    }
    guard overlong.count == 0 else {
      throw Problem(
        heading: "data.overlong is \"error\" and rows are too long", problems: overlong.shown)
    }
    guard summary.rows == 0 else { return }
    guard dropped.count > 0 else {
      throw Problem(names, "there are no rows in it, so there is nothing to learn from")
    }
    throw Problem(
      heading: "\(names): none of the \(dropped.count) rows can be learnt from",
      problems: dropped.shown)
  }

  /// Of all files; nil where they say nothing about the rows in them.
  private func totalBytes() throws(Problem) -> Int? {
    var sum = 0
    for source in sources {
      for path in try source.files() {
        let name = path.lowercased()
        guard !name.hasSuffix(".gz"), !name.hasSuffix(".zst"), let file = FileIdentity(path) else {
          return nil
        }
        sum += file.size
      }
    }
    return sum
  }
}

/// The first of many sentences; a person needs no more to see what is wrong.
private struct SomeSentences {
  private static let limit = 10
  private var first: [String] = []
  private(set) var count = 0

  mutating func add(_ sentence: String) {
    count += 1
    if count <= Self.limit { first.append(sentence) }
  }

  var shown: [String] {
    count > first.count ? first + ["and \(count - first.count) more"] : first
  }
}
