import Rows
import Training

/// How many rows are read: one line drawn over on a terminal, a line now and then in a file. Short files
/// get none.
final class RowProgress {
  private let verb: String
  private let terminal: Terminal
  private var last = ContinuousClock.now
  private var isDrawn = false

  init(_ verb: String, terminal: Terminal) {
    self.verb = verb
    self.terminal = terminal
  }

  func update(_ rows: Int) { show { "\(NumberText.grouped(rows)) rows" } }

  func update(_ progress: RowsRead) {
    show {
      let total = progress.totalBytes.map { " of \(NumberText.bytes($0))" } ?? ""
      return
        "\(NumberText.grouped(progress.rows)) rows, \(NumberText.bytes(progress.bytes))\(total), "
        + "\(NumberText.grouped(Int(progress.rowsPerSecond))) rows/s"
    }
  }

  private func show(_ text: () -> String) {
    let silence = terminal.isInteractive ? 0.5 : 10
    guard last.duration(to: .now).seconds >= silence else { return }
    last = .now
    if terminal.isInteractive {
      terminal.write("\r\u{1B}[K\(verb) \(text())")
      isDrawn = true
    } else {
      terminal.write("\(verb) \(text())\n")
    }
  }

  /// Leaves the line empty.
  func finish() {
    if isDrawn { terminal.write("\r\u{1B}[K") }
    isDrawn = false
  }
}
