package import Formats
package import Text

/// The rows of some files as tokens, with a verdict on every row that was not taken as it is.
package struct RowSet: Sendable {
  package private(set) var rows: [RenderedRow] = []
  package private(set) var verdicts: [RowVerdict] = []
  /// Places of rows that are too long, where that is an error.
  private var overlongPlaces: [String] = []
  /// Rows in which no special token follows some answer.
  private var rowsWithoutEnd = 0

  /// Where the rows are from, as messages name it.
  private let files: String
  private let renderer: Renderer
  private let maxLength: Int
  private let overlong: Overlong

  /// Reads, renders and tokenizes all rows of `sources`, in order.
  ///
  /// - Parameters:
  ///   - sources: Files and their formats.
  ///   - renderer: What turns a conversation into tokens.
  ///   - maxLength: The most tokens that a row may have.
  ///   - overlong: What happens to a longer one.
  ///   - observe: Sees every row as it is read.
  /// - Returns: Rows that each have something to learn from.
  /// - Throws: For a file that cannot be read as rows, a template that does not fit the model, rows that
  ///   are too long where that is an error, and if nothing is left to learn from.
  package static func load(
    _ sources: [RowSource], renderer: Renderer, maxLength: Int, overlong: Overlong,
    observe: (RowOutcome) -> Void = { _ in }
  ) throws(Problem) -> RowSet {
    try renderer.checkTemplate()
    var set = RowSet(
      files: sources.map(\.path).joined(separator: ", "), renderer: renderer,
      maxLength: maxLength, overlong: overlong)
    try forEach(sources, renderer: renderer) { outcome throws(Problem) in
      observe(outcome)
      set.add(outcome)
    }
    try set.check()
    return set
  }

  /// Reads the rows of `sources`, in order.
  ///
  /// - Parameters:
  ///   - renderer: What makes tokens of them; nil: there are none.
  ///   - passesMalformed: Whether a line that is not JSON is a refused row; otherwise it is thrown.
  package static func forEach(
    _ sources: [RowSource], renderer: Renderer?, passesMalformed: Bool = false,
    _ body: (RowOutcome) throws(Problem) -> Void
  ) throws(Problem) {
    for source in sources {
      let reader = RowReader(format: source.format)
      for file in try RowFiles.expand(source.path) {
        try RowFile(file).forEachResult { place, result throws(Problem) in
          switch result {
          case .success(let json): try body(outcome(json, place, reader, renderer))
          case .failure(let fault):
            guard passesMalformed else {
              throw Problem("\(place.file):\(place.line)", fault.sentence)
            }
            try body(
              RowOutcome(
                place: place, json: .null, conversation: nil, rows: [], fault: fault.sentence))
          }
        }
      }
    }
  }

  private static func outcome(
    _ json: JSON, _ place: RowPlace, _ reader: RowReader, _ renderer: Renderer?
  ) -> RowOutcome {
    var conversation: Conversation?
    var rows: [RenderedRow] = []
    var fault: String?
    do throws(RowFault) {
      var read = try reader.conversation(from: json)
      read.place = place.description
      conversation = read
      if let renderer { rows = [try rendered(read, renderer)] }
    } catch {
      fault = error.sentence
    }
    return RowOutcome(
      place: place, json: json, conversation: conversation, rows: rows, fault: fault)
  }

  private static func rendered(
    _ conversation: Conversation, _ renderer: Renderer
  ) throws(RowFault) -> RenderedRow {
    do {
      return try renderer.render(conversation)
    } catch {
      throw RowFault(error.description)
    }
  }

  private init(files: String, renderer: Renderer, maxLength: Int, overlong: Overlong) {
    self.files = files
    self.renderer = renderer
    self.maxLength = maxLength
    self.overlong = overlong
  }

  /// A doubt about all rows together, as a sentence.
  package var warning: String? {
    guard rowsWithoutEnd > 0 else { return nil }
    return
      "\(files): in \(rowsWithoutEnd) of \(rows.count) rows no end-of-turn token follows the assistant's text, so"
      + " the model does not learn to stop there; check data.template"
  }

  // MARK: One row

  private mutating func add(_ outcome: RowOutcome) {
    let place = outcome.place
    if let fault = outcome.fault { report(place, .dropped, fault) }
    for row in outcome.rows {
      do throws(RowFault) {
        try accept(row, place)
      } catch {
        report(place, .dropped, error.sentence)
      }
    }
  }

  private mutating func report(_ place: RowPlace, _ action: RowVerdict.Action, _ reason: String) {
    verdicts.append(RowVerdict(place: place, action: action, reason: reason))
  }

  /// Takes a row, cut if it is too long and may be.
  private mutating func accept(_ row: RenderedRow, _ place: RowPlace) throws(RowFault) {
    guard row.isTrained else { throw RowFault("no token of the row is trained") }
    var row = row
    let length = row.ids.count
    if length > maxLength {
      let sentence = "\(length) tokens are more than max_length \(maxLength)"
      switch overlong {
      case .drop: throw RowFault(sentence)
      case .error: overlongPlaces.append("\(place): \(sentence)")
      case .truncate:
        row.truncate(to: maxLength)
        guard row.isTrained else {
          throw RowFault(sentence + ", and no trained token is left after cutting")
        }
        report(place, .truncated, sentence)
      }
    }
    for remark in row.remarks { report(place, .changed, remark) }
    if !row.endsTurns { rowsWithoutEnd += 1 }
    rows.append(row)
  }

  // MARK: All rows

  private func check() throws(Problem) {
    guard overlongPlaces.isEmpty else {
      throw Problem(
        heading: "data.overlong is \"error\" and rows are too long",
        problems: Self.some(overlongPlaces))
    }
    guard rows.isEmpty else { return }
    let dropped = verdicts.filter { $0.action == .dropped }
    guard !dropped.isEmpty else {
      throw Problem(files, "there are no rows in it, so there is nothing to learn from")
    }
    throw Problem(
      heading: "\(files): none of the \(dropped.count) rows can be learnt from",
      problems: Self.some(dropped.map { "\($0.place): \($0.reason)" }))
  }

  /// The first of many sentences; a person needs no more to see what is wrong.
  private static func some(_ sentences: [String]) -> [String] {
    let shown = 10
    guard sentences.count > shown else { return sentences }
    return sentences.prefix(shown) + ["and \(sentences.count - shown) more"]
  }
}
