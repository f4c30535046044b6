package import Formats
import Text

/// Rows whose tokens are in an HDF5 file, whose bytes are known to be what was written.
package struct CachedRowStore: RowStore {
  private let file: HDF5ColumnReader
  private let facts: RowFacts
  private let files: [RowCacheManifest.File]
  private let weights: SparseColumn<Float>
  /// Labels of rows in which a token is trained to be another one.
  private let labels: SparseColumn<Int32>

  /// - Throws: Where the columns do not go together.
  init(_ path: String, files: [RowCacheManifest.File]) throws(Problem) {
    let file = try HDF5ColumnReader(path)
    let fingerprints = try file.read("row/fingerprint", of: Int.self)
    let facts = RowFacts(
      offsets: try file.read("row/offset"), trainedTokens: try file.read("row/trained_tokens"),
      sources: try file.read("row/source"),
      fingerprints: stride(from: 0, to: fingerprints.count - 1, by: 2).map {
        RowFingerprint(
          first: UInt64(bitPattern: Int64(fingerprints[$0])),
          second: UInt64(bitPattern: Int64(fingerprints[$0 + 1])))
      })
    guard let facts, let weights = try SparseColumn<Float>("weights", in: file, facts: facts),
      let labels = try SparseColumn<Int32>("labels", in: file, facts: facts),
      file.count("ids", of: Int32.self) == facts.offsets[facts.count],
      file.count("trained", of: UInt8.self) == facts.offsets[facts.count]
    else { throw Problem(path, "its columns do not go together") }
    self.file = file
    self.facts = facts
    self.files = files
    self.weights = weights
    self.labels = labels
  }

  package var count: Int { facts.count }
  package func length(_ row: Int) -> Int { facts.range(row).count }
  package func trainedTokens(_ row: Int) -> Int { Int(facts.trainedTokens[row]) }
  package func source(_ row: Int) -> Int { Int(facts.sources[row]) }
  package func fingerprint(_ row: Int) -> RowFingerprint { facts.fingerprints[row] }

  package func tokens(_ row: Int) throws(Problem) -> StoredRow {
    let range = facts.range(row)
    let ids: [Int32] = try file.read("ids", range)
    let isTrained: [UInt8] = try file.read("trained", range)
    let labels =
      try self.labels.values(of: row, in: file)
      ?? zip(ids, isTrained).map { $1 == 0 ? RenderedRow.ignoredLabel : $0 }
    return StoredRow(ids: ids, labels: labels, weights: try weights.values(of: row, in: file))
  }

  package func place(_ row: Int) throws(Problem) -> RowPlace {
    func number(_ name: String) throws(Problem) -> Int {
      try file.read("place/\(name)", row..<row + 1, of: Int.self)[0]
    }
    let source = try number("file")
    guard files.indices.contains(source) else {
      throw Problem(file.path, "row \(row) is from no file", kind: .run)
    }
    return RowPlace(
      file: files[source].path, index: try number("index"), line: try number("line"),
      isLineFile: files[source].isLineFile)
  }

  package func beginnings() throws(Problem) -> BeginningOrder {
    let order = BeginningOrder(
      places: try file.read("order/place"), shared: try file.read("order/shared"),
      lengths: try file.read("order/length"))
    guard order.places.count == count, order.shared.count == count, order.lengths.count == count,
      order.places.allSatisfy({ $0 >= 0 && $0 < count }), order.shared.allSatisfy({ $0 >= 0 })
    else { throw Problem(file.path, "the order of its rows is damaged; delete it", kind: .run) }
    return order
  }
}
