package import Text

/// The checks that are cheap enough for the start of every run: a sentence for each kind of thing found.
package struct StartChecks {
  private let controlTokens: ControlTokens
  private var rowsWithControlTokens = 0
  private var firstWithControlTokens: RowPlace?

  package init(renderer: Renderer) { controlTokens = ControlTokens(of: renderer) }

  /// Looks at the texts of a row as it is read.
  package mutating func add(_ outcome: RowOutcome) {
    guard outcome.fault == nil, controlTokens.areIn(outcome) else { return }
    rowsWithControlTokens += 1
    if firstWithControlTokens == nil { firstWithControlTokens = outcome.place }
  }

  /// - Parameters:
  ///   - train: All rows to learn from.
  ///   - heldOut: All rows that are measured on.
  package func warnings(train: [RenderedRow], heldOut: [RenderedRow]) -> [String] {
    var warnings: [String] = []
    let learned = Self.places(train)
    let leaks = heldOut.filter { learned.first[$0.ids] != nil }
    if let leak = leaks.first {
      warnings.append(
        "\(leaks.count) of \(heldOut.count) held-out rows also stand in the training data, the first is \(leak.place)"
          + "\(Self.like(leak, learned)); the held-out loss says less about rows that were never seen"
      )
    }
    if let (repeated, count) = learned.repeated {
      warnings.append(
        "\(count) of \(train.count) training rows repeat another one, the first is \(repeated.place)"
          + "\(Self.like(repeated, learned)); see finetune data check")
    }
    if let place = firstWithControlTokens {
      warnings.append(
        "in \(rowsWithControlTokens) \(rowsWithControlTokens == 1 ? "row" : "rows") a text of the row becomes"
          + " control tokens of the model, the first is \(place); see finetune data check")
    }
    return warnings
  }

  private struct Places {
    var first: [[Int32]: String] = [:]
    var repeated: (row: RenderedRow, count: Int)?
  }

  /// Where each row stands for the first time.
  private static func places(_ rows: [RenderedRow]) -> Places {
    var places = Places()
    for row in rows {
      guard places.first[row.ids] != nil else {
        places.first[row.ids] = row.place
        continue
      }
      places.repeated = (places.repeated?.row ?? row, (places.repeated?.count ?? 0) + 1)
    }
    return places
  }

  private static func like(_ row: RenderedRow, _ places: Places) -> String {
    places.first[row.ids].map { " (like \($0))" } ?? ""
  }
}
