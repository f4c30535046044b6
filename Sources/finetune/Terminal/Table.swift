/// Lines with a name in front, all texts beginning in one column.
struct LabelledLines {
  private var lines: [(label: String, text: String)] = []

  mutating func add(_ label: String, _ text: String) { lines.append((label, text)) }

  func text(on terminal: Terminal) -> String {
    let width = (lines.map(\.label.count).max() ?? 0) + 2
    return lines.map { label, text in
      let padding = String(repeating: " ", count: width - label.count)
      return "  " + terminal.dim(label) + padding + text + "\n"
    }.joined()
  }
}

/// Rows in columns: the first flush left, the others flush right.
struct Table {
  var rows: [[String]]

  var text: String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        if column > 0 { return leftPadded(cell, to: widths[column]) }
        return cell + String(repeating: " ", count: widths[column] - cell.count)
      }
      return trimmed(cells.joined(separator: "   ")) + "\n"
    }.joined()
  }

  private func trimmed(_ line: String) -> String {
    var line = line
    while line.last == " " { line.removeLast() }
    return line
  }
}
