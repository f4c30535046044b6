package import Formats

/// The checks that are cheap enough for the start of every run: a sentence for each kind of thing found.
///
/// Rows are compared by their fingerprints, so that nothing is read but the places of those that are shown.
package enum StartChecks {
  /// - Parameters:
  ///   - train: All rows to learn from.
  ///   - heldOut: All rows that are measured on.
  ///   - summaries: Of the files that they are from.
  package static func warnings(
    train: any RowStore, heldOut: any RowStore, summaries: [RowSummary]
  ) throws(Problem) -> [String] {
    var warnings: [String] = []
    let learned = FingerprintTable(train)
    let leaks = (0..<heldOut.count).filter { learned.first(heldOut.fingerprint($0)) != nil }
    if let leak = leaks.first {
      let like = try like(learned.first(heldOut.fingerprint(leak)), train)
      warnings.append(
        "\(leaks.count) of \(heldOut.count) held-out rows also stand in the training data, the first is"
          + " \(try heldOut.place(leak))\(like); the held-out loss says less about rows that were never seen"
      )
    }
    if let repeated = learned.firstRepeated {
      let like = try like(learned.first(train.fingerprint(repeated)), train)
      warnings.append(
        "\(learned.repeatedRows) of \(train.count) training rows repeat another one, the first is"
          + " \(try train.place(repeated))\(like); see finetune data check")
    }
    let all = summaries.reduce(RowSummary(), +)
    if let place = all.firstWithControlTokens {
      let rows = all.rowsWithControlTokens
      warnings.append(
        "in \(rows) \(rows == 1 ? "row" : "rows") a text of the row becomes control tokens of the model, the"
          + " first is \(place); see finetune data check")
    }
    return warnings
  }

  private static func like(_ row: Int?, _ rows: any RowStore) throws(Problem) -> String {
    guard let row else { return "" }
    return " (like \(try rows.place(row)))"
  }
}

/// Where each row stands for the first time, by fingerprint: about 8 bytes a row.
private struct FingerprintTable {
  private let rows: any RowStore
  /// Numbers of rows, each at the first free slot from where its fingerprint points; -1: free.
  private var slots: [Int32]
  private(set) var repeatedRows = 0
  private(set) var firstRepeated: Int?

  init(_ rows: any RowStore) {
    self.rows = rows
    var size = 16
    while size < 2 * rows.count { size *= 2 }
    slots = [Int32](repeating: -1, count: size)
    for row in 0..<rows.count {
      let slot = slot(rows.fingerprint(row))
      if slots[slot] < 0 {
        slots[slot] = Int32(row)
      } else {
        repeatedRows += 1
        if firstRepeated == nil { firstRepeated = row }
      }
    }
  }

  /// The first row with this fingerprint.
  func first(_ fingerprint: RowFingerprint) -> Int? {
    let row = slots[slot(fingerprint)]
    return row < 0 ? nil : Int(row)
  }

  private func slot(_ fingerprint: RowFingerprint) -> Int {
    var slot = Int(truncatingIfNeeded: fingerprint.first) & (slots.count - 1)
    while slots[slot] >= 0, rows.fingerprint(Int(slots[slot])) != fingerprint {
      slot = (slot + 1) & (slots.count - 1)
    }
    return slot
  }
}
