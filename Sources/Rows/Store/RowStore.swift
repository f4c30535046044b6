package import Formats

/// Rows as tokens, wherever they are kept. What planning needs of a row is in memory; its tokens may have to
/// be read.
package protocol RowStore: Sendable {
  var count: Int { get }
  /// Tokens of a row.
  func length(_ row: Int) -> Int
  /// Tokens of a row that count in the loss.
  func trainedTokens(_ row: Int) -> Int
  /// The number of the source that a row is from.
  func source(_ row: Int) -> Int
  /// What stands for the tokens of a row where rows are compared.
  func fingerprint(_ row: Int) -> RowFingerprint
  /// - Throws: Where they cannot be read.
  func tokens(_ row: Int) throws(Problem) -> StoredRow
  /// Where a row stands in its file, for messages.
  func place(_ row: Int) throws(Problem) -> RowPlace
  /// How the rows begin, in order.
  func beginnings() throws(Problem) -> BeginningOrder
}

extension RowStore {
  /// Of all rows.
  package var lengths: [Int] { (0..<count).map(length) }
  package var isEmpty: Bool { count == 0 }
}
