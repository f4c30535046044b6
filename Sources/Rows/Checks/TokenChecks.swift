import Text

/// What only the tokens of a row show: its length, what is trained, whether answers end.
struct TokenChecks: RowCheck {
  /// nil: not known.
  let maxLength: Int?
  let overlong: Overlong
  /// The longest text that the model was made for.
  let positions: Int?

  func findings(in row: CheckedRow) -> [RowFinding] {
    let rows = row.outcome.rows
    guard let longest = rows.map(\.ids.count).max() else { return [] }
    var findings: [RowFinding] = []
    if !rows.contains(where: \.isTrained) {
      findings.append(row.finding(.nothingTrained, "no token of the row is trained"))
    } else if !rows.allSatisfy(\.endsTurns) {
      findings.append(
        row.finding(.endNotTrained, "no end-of-turn token follows an assistant's text"))
    }
    if let maxLength, longest > maxLength {
      findings.append(
        row.finding(
          .overlong, "\(longest) tokens are more than max_length \(maxLength): \(consequence)"))
    }
    if let positions, longest > positions, maxLength.map({ $0 > positions }) ?? true {
      findings.append(
        row.finding(
          .beyondPositions, "\(longest) tokens are more than the model's \(positions) positions"))
    }
    for remark in Set(rows.flatMap(\.remarks)).sorted() {
      findings.append(row.finding(.notShown, remark))
    }
    return findings
  }

  private var consequence: String {
    switch overlong {
    case .drop: "the row is left out"
    case .error: "the run would not start"
    case .truncate: "the end is cut off"
    }
  }
}
