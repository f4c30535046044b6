/// How far the reading of rows has come.
package struct RowsRead: Sendable {
  package private(set) var rows = 0
  /// About.
  package private(set) var bytes = 0
  /// Of all files; nil where it is not known how much is in them.
  package let totalBytes: Int?
  private let started = ContinuousClock.now

  init(totalBytes: Int?) { self.totalBytes = totalBytes }

  package var rowsPerSecond: Double {
    let time = started.duration(to: .now).components
    return Double(rows) / max(1e-9, Double(time.seconds) + Double(time.attoseconds) * 1e-18)
  }

  /// Counts a row, and the bytes that were read for it.
  mutating func add(_ bytes: Int) {
    rows += 1
    self.bytes += bytes
    if let totalBytes { self.bytes = min(self.bytes, totalBytes) }
  }
}
