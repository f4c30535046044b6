import Model
import Tensors
import TestSupport
import Testing

/// Finding what rows have in common, and the batches that come of it.
@Suite struct RowBeginningsTests {
  static let ignored = TokenBatch.ignoredLabel

  /// A row of which the tokens from `trained` on are trained.
  static func row(_ ids: [Int32], trained: Int) -> TokenRow {
    TokenRow(ids: ids, labels: ids.enumerated().map { $0 < trained ? ignored : $1 })
  }

  // MARK: Families

  /// All ways to put `rows` into groups.
  private func partitions(_ rows: ArraySlice<Int>) -> [[[Int]]] {
    guard let first = rows.first else { return [[]] }
    return partitions(rows.dropFirst()).flatMap { partition in
      [partition + [[first]]]
        + partition.indices.map { index in
          var joined = partition
          joined[index].append(first)
          return joined
        }
    }
  }

  /// Tokens in common of some rows before anything is trained, the slow way.
  private func common(_ rows: [TokenRow]) -> Int {
    let longest = rows.map(\.ids.count).min() ?? 0
    return (0..<longest).first { t in
      rows.contains { row in
        row.ids[t] != rows[0].ids[t]
          || (t + 1 < row.labels.count && row.labels[t + 1] != Self.ignored)
      }
    } ?? longest
  }

  /// Small random trees of rows: no choice of families saves more. A family costs 16 tokens.
  @Test(arguments: 0..<200) func familiesSaveTheMost(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let rows = (0..<Int.random(in: 1...6, using: &random)).map { _ -> TokenRow in
      // Few different tokens, each many times, so that rows have beginnings in common.
      let ids = random.integers(Int.random(in: 0...5, using: &random), in: 0..<2).flatMap {
        [Int32](repeating: $0, count: 9)
      }
      return Self.row(ids, trained: Int.random(in: 0...60, using: &random))
    }
    let families = RowBeginnings(rows: rows).families(among: Array(rows.indices))
    for family in families {
      #expect(family.rows.count > 1 && family.rows == family.rows.sorted())
      #expect(family.tokens == common(family.rows.map { rows[$0] }))
    }
    let members = families.flatMap(\.rows)
    #expect(Set(members).count == members.count)
    func worth(_ rows: Int, _ tokens: Int) -> Int { (rows - 1) * tokens - 16 }
    let best = partitions(Array(rows.indices)[...]).map { partition in
      partition.reduce(0) { sum, group in
        sum + max(0, worth(group.count, common(group.map { rows[$0] })))
      }
    }.max()
    #expect(families.reduce(0) { $0 + worth($1.rows.count, $1.tokens) } == best)
  }

  @Test func someOfTheRowsHaveFamiliesOfTheirOwn() {
    let document = [Int32](0..<40)
    let rows = [[1], [2, 3], [4], [5, 6, 7]].map { Self.row(document + $0, trained: 40) }
    let beginnings = RowBeginnings(rows: rows)
    // The last token before the answer has something to predict.
    let families = beginnings.families(among: [3, 1])
    #expect(families.map(\.rows) == [[1, 3]] && families.map(\.tokens) == [39])
    #expect(beginnings.savedTokens(among: [0, 1, 2, 3]) == 3 * 39)
    #expect(beginnings.savedTokens(among: [2]) == 0)
    #expect(beginnings.families(among: []).isEmpty)
  }

  // MARK: Batches

  @Test func aFamilyIsAPrefixAndItsBranches() {
    let start = [Int32](100..<120)
    let rows = [
      Self.row(start + [7, 8, 9], trained: 21), Self.row([50, 51], trained: 1),
      Self.row([], trained: 0),
      Self.row(start + [6], trained: 99),
      // Nothing but the beginning.
      Self.row(start, trained: 99),
    ]
    let batch = TokenBatch(rows: rows, sharingPrefixes: true)
    #expect(batch.segments.starts == [0, 20, 23, 24, 24, 26])
    #expect(batch.segments.prefixes == [-1, 0, 0, 0, -1])
    #expect(batch.ids.toArray(Int32.self) == start + [7, 8, 9, 6, 50, 51])
    #expect(
      batch.positions.toArray(Int32.self) == (0..<20).map { $0 } + [20, 21, 22, 20, 0, 1])
    #expect(batch.targets.toArray(Int32.self) == [8, 9, 51])
    #expect(batch.selection?.places.toArray(Int32.self) == [20, 21, 24])
    #expect(batch.selection?.positions.toArray(Int32.self) == [20, 21, 0])
    #expect((batch.tokens, batch.rowTokens, batch.trainedTokens) == (26, 66, 3))
  }

  @Test func rowsWithNothingInCommonStayAsTheyAre() {
    let rows = [Self.row([1, 2, 3], trained: 1), Self.row([1, 2, 4, 5], trained: 3)]
    let batch = TokenBatch(rows: rows, sharingPrefixes: true)
    #expect(batch.segments == TokenBatch(rows: rows).segments)
    #expect(batch.segments.prefixes == nil && batch.rowTokens == 7)
  }

  /// What is trained is never shared.
  @Test func trainedTokensAreComputedForEachRow() {
    let ids = [Int32](0..<50)
    let batch = TokenBatch(
      rows: (0..<3).map { _ in Self.row(ids, trained: 30) }, sharingPrefixes: true)
    #expect(batch.segments.starts == [0, 29, 50, 71, 92])
    #expect(batch.trainedTokens == 60)
  }
}
