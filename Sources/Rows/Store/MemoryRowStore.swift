package import Formats

/// Rows whose tokens are in memory.
package struct MemoryRowStore: RowStore {
  private var facts = RowFacts()
  private var rows: [StoredRow] = []
  private var places: [RowPlace] = []

  init() {}

  mutating func add(_ row: AdmittedRow, _ place: RowPlace, source: Int) {
    facts.add(row, source: source)
    rows.append(row.tokens)
    places.append(place)
  }

  package var count: Int { rows.count }
  package func length(_ row: Int) -> Int { rows[row].ids.count }
  package func trainedTokens(_ row: Int) -> Int { Int(facts.trainedTokens[row]) }
  package func source(_ row: Int) -> Int { Int(facts.sources[row]) }
  package func fingerprint(_ row: Int) -> RowFingerprint { facts.fingerprints[row] }
  package func tokens(_ row: Int) -> StoredRow { rows[row] }
  package func place(_ row: Int) -> RowPlace { places[row] }
  package func beginnings() -> BeginningOrder { BeginningOrder(rows.map(\.beginning)) }
}
