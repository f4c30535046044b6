/// What is in memory of every row, wherever its tokens are: 32 bytes.
struct RowFacts: Sendable {
  /// Where each row begins among the tokens of all rows, and the end of the last.
  private(set) var offsets: [Int] = [0]
  private(set) var trainedTokens: [Int32] = []
  private(set) var sources: [Int32] = []
  private(set) var fingerprints: [RowFingerprint] = []

  init() {}

  /// Nil where the lists do not go together.
  init?(
    offsets: [Int], trainedTokens: [Int32], sources: [Int32], fingerprints: [RowFingerprint]
  ) {
    let count = trainedTokens.count
    guard offsets.count == count + 1, sources.count == count, fingerprints.count == count,
      offsets[0] == 0, zip(offsets, offsets.dropFirst()).allSatisfy({ $0 < $1 }),
      trainedTokens.allSatisfy({ $0 >= 0 }), sources.allSatisfy({ $0 >= 0 })
    else { return nil }
    self.offsets = offsets
    self.trainedTokens = trainedTokens
    self.sources = sources
    self.fingerprints = fingerprints
  }

  var count: Int { sources.count }

  /// The tokens of a row among those of all rows.
  func range(_ row: Int) -> Range<Int> { offsets[row]..<offsets[row + 1] }

  mutating func add(_ row: AdmittedRow, source: Int) {
    offsets.append(offsets[offsets.count - 1] + row.tokens.ids.count)
    trainedTokens.append(Int32(clamping: row.trainedTokens))
    sources.append(Int32(clamping: source))
    fingerprints.append(row.fingerprint)
  }
}
