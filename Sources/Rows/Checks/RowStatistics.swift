package import Formats
package import Text

/// How many rows, messages and tokens a source has, and how long its rows are.
package struct RowStatistics: Sendable {
  /// A row among the longest.
  package struct Long: Sendable {
    package let place: RowPlace
    package let length: Int
  }

  package let path: String
  package let part: RowPart
  package private(set) var rows = 0
  package private(set) var refusedRows = 0
  package private(set) var messages = 0
  package private(set) var answers = 0
  /// Of all rows that are not refused; 0 where they were not rendered.
  package private(set) var tokens = 0
  package private(set) var trainedTokens = 0
  /// Of each row that is not refused, in order: tokens, or bytes of text where rows were not rendered. A
  /// row that was split counts as often as it has parts.
  package private(set) var lengths: [Int] = []
  /// The longest first.
  package private(set) var longest: [Long] = []

  private static let longestShown = 5

  init(_ source: RowCheckRun.Source) {
    path = source.rows.path
    part = source.part
  }

  mutating func add(_ outcome: RowOutcome, isRendered: Bool) {
    rows += 1
    guard outcome.fault == nil else {
      refusedRows += 1
      return
    }
    messages += outcome.conversation?.messages.count ?? 0
    answers += outcome.conversation?.messages.count { $0.role == "assistant" } ?? 0
    if isRendered {
      for row in outcome.rows {
        add(row.ids.count, outcome.place)
        tokens += row.ids.count
        trainedTokens += row.labels.dropFirst().count { $0 != RenderedRow.ignoredLabel }
      }
    } else {
      add(CheckedRow(outcome).texts.reduce(0) { $0 + $1.bytes.count }, outcome.place)
    }
  }

  private mutating func add(_ length: Int, _ place: RowPlace) {
    lengths.append(length)
    guard longest.count < Self.longestShown || length > longest.last?.length ?? 0 else { return }
    let index = longest.firstIndex { $0.length < length } ?? longest.count
    longest.insert(Long(place: place, length: length), at: index)
    if longest.count > Self.longestShown { longest.removeLast() }
  }

  /// Reads the rows of some files and counts.
  ///
  /// - Parameters:
  ///   - renderer: What makes tokens of them; nil: bytes are counted.
  ///   - observe: Sees every row, and whether it is learnt from.
  ///   - progress: Called now and then with the number of rows so far.
  package static func read(
    _ sources: [RowCheckRun.Source], renderer: Renderer?,
    observe: (RowOutcome, RowPart) -> Void = { _, _ in }, progress: (Int) -> Void = { _ in }
  ) throws(Problem) -> [RowStatistics] {
    try renderer?.checkTemplate()
    var all: [RowStatistics] = []
    var count = 0
    for source in sources {
      var statistics = RowStatistics(source)
      try RowSet.forEach([source.rows], renderer: renderer) {
        outcome throws(Problem) in
        statistics.add(outcome, isRendered: renderer != nil)
        observe(outcome, source.part)
        count += 1
        if count.isMultiple(of: 1024) { progress(count) }
      }
      all.append(statistics)
    }
    return all
  }
}
