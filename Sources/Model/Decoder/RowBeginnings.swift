package import Formats

/// How rows begin, as far as nothing of it is trained: what rows have in common there can be computed
/// once for all of them.
package struct RowBeginnings: Sendable {
  /// Rows whose first `tokens` tokens are the same and computed once.
  package struct Family: Equatable, Sendable {
    /// At least two, in ascending order.
    package let rows: [Int]
    package let tokens: Int

    /// Tokens that need no computing.
    package var savedTokens: Int { (rows.count - 1) * tokens }
  }

  /// A family costs about as much as computing this many tokens, and is not made for less.
  static let tokensOfAFamily = 16

  /// For each row its place in an order in which rows that begin alike are neighbours.
  private let places: [Int32]
  /// For each place the tokens that its row and the next have in common.
  private let shared: RangeMinimum
  /// For each place how many tokens of its row come before the first that has something to predict.
  private let lengths: [Int32]

  /// - Parameter order: Of the rows, perhaps among more rows.
  package init(_ order: BeginningOrder) {
    let (places, lengths) = (order.places, order.lengths)
    precondition(
      order.shared.count == lengths.count
        && places.allSatisfy { lengths.indices.contains(Int($0)) },
      "places of \(places.count) rows among \(lengths.count), \(order.shared.count) shared")
    self.places = places
    shared = RangeMinimum(order.shared)
    self.lengths = lengths
  }

  package init(rows: [TokenRow]) { self.init(BeginningOrder(rows.map(\.beginning))) }

  /// Tokens that two rows have in common, the first of them not behind the second in the order. A row may
  /// stand in a batch twice.
  private func common(_ a: Int, _ b: Int) -> Int {
    let (first, second) = (Int(places[a]), Int(places[b]))
    return Int(first == second ? lengths[first] : shared.minimum(first..<second))
  }

  /// The same rows with those that begin alike side by side.
  package func sorted(_ rows: [Int]) -> [Int] { rows.sorted { places[$0] < places[$1] } }

  /// The families of some rows that save the most tokens.
  package func families(among rows: [Int]) -> [Family] {
    guard rows.count > 1 else { return [] }
    let sorted = sorted(rows)
    let shared = zip(sorted, sorted.dropFirst()).map { common($0, $1) }
    var families: [Family] = []
    _ = PrefixTree(rows: sorted[...], shared: shared[...]).choose(passing: 0, into: &families)
    return families
  }

  /// Tokens of some rows that need no computing when they are computed together.
  package func savedTokens(among rows: [Int]) -> Int {
    families(among: rows).reduce(0) { $0 + $1.savedTokens }
  }
}

/// Rows that have their first tokens in common, and those of them that have more in common.
///
/// A row belongs to one family at most, here or deeper in the tree. Passed on to a family of `tokens`
/// tokens further up it saves that many; the family itself computes them once.
private indirect enum PrefixTree {
  case row(Int)
  /// - `worth`: Tokens saved below where a family of all rows that come up to here is made.
  case fork(tokens: Int, children: [PrefixTree], worth: Int)

  /// - Parameters:
  ///   - rows: Sorted by beginning, at least one.
  ///   - shared: Tokens in common of each row and the next.
  init(rows: ArraySlice<Int>, shared: ArraySlice<Int>) {
    guard let tokens = shared.min() else {
      self = .row(rows[rows.startIndex])
      return
    }
    var children: [PrefixTree] = []
    var (row, pair) = (rows.startIndex, shared.startIndex)
    while row < rows.endIndex {
      let end = shared[pair...].firstIndex(of: tokens) ?? shared.endIndex
      let next = row + (end - pair) + 1
      children.append(PrefixTree(rows: rows[row..<next], shared: shared[pair..<end]))
      (row, pair) = (next, min(end + 1, shared.endIndex))
    }
    let saved = children.reduce(0) { $0 + $1.saved(passing: tokens) }
    self = .fork(
      tokens: tokens, children: children, worth: saved - tokens - RowBeginnings.tokensOfAFamily)
  }

  /// The most that can be saved where each row that is passed on saves `tokens`.
  func saved(passing tokens: Int) -> Int {
    switch self {
    case .row: tokens
    case .fork(_, let children, let worth):
      max(worth, children.reduce(0) { $0 + $1.saved(passing: tokens) })
    }
  }

  /// Adds the families that save this much; returns the rows that are passed on.
  func choose(passing tokens: Int, into families: inout [RowBeginnings.Family]) -> [Int] {
    switch self {
    case .row(let row): return [row]
    case .fork(let own, let children, let worth):
      let isFamily = worth > children.reduce(0) { $0 + $1.saved(passing: tokens) }
      let rows = children.flatMap { $0.choose(passing: isFamily ? own : tokens, into: &families) }
      guard isFamily else { return rows }
      families.append(RowBeginnings.Family(rows: rows.sorted(), tokens: own))
      return []
    }
  }
}
