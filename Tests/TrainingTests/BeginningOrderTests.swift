import Formats
import Model
import Rows
import TestSupport
import Testing

@testable import Training

/// The order that a store keeps finds the same families as the tokens themselves.
@Suite struct BeginningOrderTests {
  static func rows(seed: UInt64) -> [StoredRow] {
    var random = SplitMix64(seed: seed)
    let documents = (0..<3).map { _ in random.integers(40, in: 0..<50) }
    return (0..<Int.random(in: 1...80, using: &random)).map { _ in
      let document = documents.randomElement(using: &random) ?? []
      let ids =
        document.prefix(Int.random(in: 0...40, using: &random))
        + random.integers(Int.random(in: 1...6, using: &random), in: 0..<3)
      let first = Int.random(in: 0...ids.count, using: &random)
      return StoredRow(
        ids: Array(ids),
        labels: ids.enumerated().map { $0 < first ? TokenBatch.ignoredLabel : $1 },
        weights: Bool.random(using: &random)
          ? ids.map { _ in Float(Int.random(in: 0...1, using: &random)) } : nil)
    }
  }

  @Test(arguments: 0..<80) func findsTheFamiliesOfTheTokens(seed: UInt64) {
    let rows = Self.rows(seed: seed)
    let tokens = rows.map { TokenRow($0) }
    let stored = RowBeginnings(BeginningOrder(rows.map(\.beginning)))
    let own = RowBeginnings(rows: tokens)
    var random = SplitMix64(seed: seed)
    for _ in 0..<5 {
      let some = rows.indices.shuffled(using: &random).prefix(12)
      #expect(stored.sorted(Array(some)) == own.sorted(Array(some)))
      #expect(stored.families(among: Array(some)) == own.families(among: Array(some)))
    }
    #expect(
      zip(rows, tokens).allSatisfy { row, token in
        row.trainedTokens == TokenBatch(rows: [token]).trainedTokens
      })
  }

  /// With sampling a row may be in a batch twice: it has all of its beginning in common with itself.
  @Test func aRowThatStandsTwiceIsAFamily() {
    let ids: [Int32] = Array(0..<60)
    let row = TokenRow(ids: ids, labels: ids.map { $0 < 50 ? TokenBatch.ignoredLabel : $0 })
    let beginnings = RowBeginnings(rows: [row, row])
    #expect(beginnings.savedTokens(among: [0, 0]) == 49)
    #expect(TokenBatch(rows: [row, row], sharingPrefixes: true).tokens == 120 - 49)
  }
}
