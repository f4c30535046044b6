/// Whether rows are made tokens of once and kept on disk.
package enum RowCaching: String, CaseIterable, Sendable {
  /// Where there is much of them.
  case auto
  case always, never
}
