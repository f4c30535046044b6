package import Tensors

/// A flat stream of whole sequences, one after the other, without padding.
///
/// A row is a segment, and attention sees one segment at a time, so packed rows cannot see each other
/// by construction. Rows that begin with the same tokens may share them: the beginning is then a segment
/// of its own, the prefix, and each row a segment that branches off it (arXiv:2410.20305). Everything
/// that works token by token has that much less to do.
package struct TokenBatch {
  /// Label of a position that is not trained.
  package static let ignoredLabel: Int32 = -100

  package let ids: Tensor  // int32 [T]
  /// The positions that have something to predict, where they are much fewer than all; nil: all.
  package let selection: SelectedTokens?
  /// The token that each selected position has to predict, or `ignoredLabel`; int32 [L].
  package let targets: Tensor
  /// How much each of them counts in the loss; float32 [L]. nil: 1 for each.
  package let targetWeights: Tensor?
  /// The place of each token in its row; int32 [T].
  package let positions: Tensor
  /// The rows, or prefixes and what follows them.
  package let segments: Segments
  /// Tokens of the rows; more than `tokens` where some are shared.
  package let rowTokens: Int
  /// Positions with a target.
  package let trainedTokens: Int
  /// The sum of their weights; `trainedTokens` where each counts 1.
  package let trainedWeight: Double
  /// Of all ids and targets: what the vocabulary has to be larger than.
  package let largestID: Int

  /// Tokens that are computed, T.
  package var tokens: Int { segments.tokens }

  /// - Parameters:
  ///   - rows: The shift by one happens here: the first token of a row is never a target.
  ///   - sharingPrefixes: Computes once what rows have in common before their first target, where that
  ///     saves something. The loss is the same up to the order of sums.
  package init(rows: [TokenRow], sharingPrefixes: Bool = false) {
    precondition(rows.contains { !$0.ids.isEmpty }, "a batch without tokens")
    let rows = rows.filter { !$0.ids.isEmpty }
    let shared =
      sharingPrefixes ? RowBeginnings(rows: rows).families(among: Array(rows.indices)) : []
    let families = Dictionary(uniqueKeysWithValues: shared.map { ($0.rows[0], $0) })
    var stream = FlatStream()
    var written = Set<Int>()
    for (index, row) in rows.enumerated() where !written.contains(index) {
      guard let family = families[index] else {
        stream.append(row, from: 0, to: row.ids.count, prefix: nil)
        continue
      }
      let prefix = stream.lengths.count
      stream.append(row, from: 0, to: family.tokens, prefix: nil)
      for member in family.rows {
        stream.append(rows[member], from: family.tokens, to: rows[member].ids.count, prefix: prefix)
      }
      written.formUnion(family.rows)
    }
    self.init(stream, rowTokens: rows.reduce(0) { $0 + $1.ids.count })
  }

  /// Rows whose trained tokens each count 1.
  package init(rows: [(ids: [Int32], labels: [Int32])], sharingPrefixes: Bool = false) {
    self.init(
      rows: rows.map { TokenRow(ids: $0.ids, labels: $0.labels) }, sharingPrefixes: sharingPrefixes)
  }

  private init(_ stream: FlatStream, rowTokens: Int) {
    // Kernels do not look at ids again.
    precondition(
      stream.ids.allSatisfy { $0 >= 0 }
        && stream.targets.allSatisfy { $0 >= 0 || $0 == Self.ignoredLabel },
      "a token or target is negative")
    segments = Segments(lengths: stream.lengths, prefixes: stream.prefixes)
    self.rowTokens = rowTokens
    let trained = stream.targets.indices.filter { stream.targets[$0] != Self.ignoredLabel }
    trainedTokens = trained.count
    trainedWeight = trained.reduce(0) { $0 + Double(stream.weights[$1]) }
    selection =
      SelectedTokens.count(trained: trained.count, of: segments.tokens) == segments.tokens
      ? nil : SelectedTokens(places: trained.map(Int32.init), positions: stream.positions)
    largestID = Int(max(stream.ids.max() ?? 0, stream.targets.max() ?? 0))
    ids = Tensor.from(stream.ids, .int32)
    let outputs = selection == nil ? Array(stream.targets.indices) : trained
    targets = Tensor.from(outputs.map { stream.targets[$0] }, .int32)
    targetWeights =
      trained.allSatisfy { stream.weights[$0] == 1 }
      ? nil : Tensor.from(outputs.map { stream.weights[$0] }, .float32)
    positions = Tensor.from(stream.positions, .int32)
  }
}

/// The arrays of a batch while segments are added.
private struct FlatStream {
  var ids: [Int32] = []
  var targets: [Int32] = []
  var weights: [Float] = []
  var positions: [Int32] = []
  var lengths: [Int] = []
  var prefixes: [Int?] = []

  /// Adds the tokens `start` ..< `end` of a row as a segment.
  mutating func append(_ row: TokenRow, from start: Int, to end: Int, prefix: Int?) {
    ids += row.ids[start..<end]
    positions += (start..<end).map(Int32.init)
    for place in start..<end {
      let target = row.target(at: place)
      targets.append(target.label)
      weights.append(target.weight)
    }
    lengths.append(end - start)
    prefixes.append(prefix)
  }
}
