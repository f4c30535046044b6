import Model
import Tensors

/// How often the rows of each source are seen, where a recipe says so.
///
/// An epoch takes the next stretch of a source's rows in one random order, from its end on to its beginning
/// again. So no row is seen twice in an epoch before all were seen, and over some epochs all are seen equally
/// often, give or take one. Epoch n follows from n alone.
package struct RowMixture: Sendable {
  /// What a recipe says of a source.
  package enum Share: Sendable, Equatable {
    /// How often its rows are seen in an epoch.
    case weight(Double)
    /// How many of its rows are seen in an epoch.
    case samples(Int)
  }

  private struct Source: Sendable {
    /// In the order of the files, and in that of drawing.
    let rows: [Int]
    let drawn: [Int]
    let rowsPerEpoch: Double

    /// Rows that the epochs before this one took.
    func start(ofEpoch epoch: Int) -> Int { Int((Double(epoch) * rowsPerEpoch).rounded()) }
  }

  private let sources: [Source]

  /// - Parameters:
  ///   - numbers: For each row the number of its source.
  ///   - shares: For each source; nil: each row once.
  package init(sources numbers: [Int], shares: [Share?], seed: UInt64) {
    var rows = [[Int]](repeating: [], count: shares.count)
    for (row, number) in numbers.enumerated() { rows[number].append(row) }
    sources = zip(rows, shares).enumerated().compactMap { number, source in
      let (rows, share) = source
      guard !rows.isEmpty else { return nil }
      let key = RandomKey(seed: seed, .shuffle, a: UInt32(truncatingIfNeeded: number), b: 2)
      return Source(
        rows: rows, drawn: Random.permutation(rows.count, key: key),
        rowsPerEpoch: Self.rowsPerEpoch(share, of: rows.count))
    }
  }

  /// At least one, or an epoch could be empty.
  private static func rowsPerEpoch(_ share: Share?, of count: Int) -> Double {
    switch share {
    case nil: Double(count)
    case .weight(let weight): max(1, weight * Double(count))
    case .samples(let samples): Double(max(1, samples))
    }
  }

  /// The rows that an epoch sees: source after source, those of each in the order of its files, from the
  /// beginning again where they are seen more than once.
  func rows(epoch: Int) -> [[Int]] {
    sources.map { source in
      let count = source.rows.count
      var place = source.start(ofEpoch: epoch)
      var left = source.start(ofEpoch: epoch + 1) - place
      var rows: [Int] = []
      rows.reserveCapacity(left)
      while left > 0 {
        let taken = min(left, count)
        rows += (place..<place + taken).map { source.drawn[$0 % count] }.sorted().map {
          source.rows[$0]
        }
        (place, left) = (place + taken, left - taken)
      }
      return rows
    }
  }

  /// The same without a random order: the sources mixed evenly, each in its own order. Of a rows and b rows,
  /// the next is always of the source that has come less far.
  func interleaved(epoch: Int) -> [Int] {
    let sources = rows(epoch: epoch)
    var done = sources.map { _ in 0 }
    let count = sources.reduce(0) { $0 + $1.count }
    return (0..<count).map { _ in
      // Middles of the rows on a line from 0 to 1: (2 done + 1) / (2 count), compared without rounding. A
      // source that is done lies behind 1.
      var next = 0
      for source in sources.indices.dropFirst() {
        let isBefore =
          (2 * done[source] + 1) * sources[next].count < (2 * done[next] + 1)
          * sources[source].count
        if isBefore { next = source }
      }
      done[next] += 1
      return sources[next][done[next] - 1]
    }
  }
}
