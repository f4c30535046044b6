package import Formats

/// Some rows of a store, in their order.
package struct SelectedRows: RowStore {
  private let store: any RowStore
  private let rows: [Int]

  package init(_ rows: [Int], of store: any RowStore) {
    precondition(rows.allSatisfy { (0..<store.count).contains($0) }, "a row that is not there")
    self.store = store
    self.rows = rows
  }

  package var count: Int { rows.count }
  package func length(_ row: Int) -> Int { store.length(rows[row]) }
  package func trainedTokens(_ row: Int) -> Int { store.trainedTokens(rows[row]) }
  package func source(_ row: Int) -> Int { store.source(rows[row]) }
  package func fingerprint(_ row: Int) -> RowFingerprint { store.fingerprint(rows[row]) }
  package func tokens(_ row: Int) throws(Problem) -> StoredRow { try store.tokens(rows[row]) }
  package func place(_ row: Int) throws(Problem) -> RowPlace { try store.place(rows[row]) }

  package func beginnings() throws(Problem) -> BeginningOrder {
    try store.beginnings().selecting(rows)
  }
}
