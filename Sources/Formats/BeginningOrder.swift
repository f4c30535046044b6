import Foundation

/// How lists of numbers begin, in an order in which lists that begin alike are neighbours: 12 bytes a list,
/// whatever its length. Rows of tokens are kept like this, in memory and on disk.
package struct BeginningOrder: Sendable {
  /// For each row its place in the order.
  package let places: [Int32]
  /// For each place the tokens that its row and the next have in common; 0 at the last.
  package let shared: [Int32]
  /// For each place how many tokens the beginning of its row has.
  package let lengths: [Int32]

  package init(places: [Int32], shared: [Int32], lengths: [Int32]) {
    self.places = places
    self.shared = shared
    self.lengths = lengths
  }

  package init(_ beginnings: [ArraySlice<Int32>]) {
    let order = beginnings.indices.sorted { a, b in
      let order = Self.compare(beginnings[a], beginnings[b])
      return order == 0 ? a < b : order < 0
    }
    var places = [Int32](repeating: 0, count: beginnings.count)
    for (place, row) in order.enumerated() { places[row] = Int32(place) }
    self.places = places
    shared = order.indices.map { place in
      place + 1 < order.count
        ? Int32(Self.common(beginnings[order[place]], beginnings[order[place + 1]])) : 0
    }
    lengths = order.map { Int32(beginnings[$0].count) }
  }

  /// Of some of the rows. What lies between them in the order stays, so their neighbours are found there.
  package func selecting(_ rows: [Int]) -> BeginningOrder {
    BeginningOrder(places: rows.map { places[$0] }, shared: shared, lengths: lengths)
  }

  /// Negative, zero or positive: an order in which a beginning of another stands before it.
  package static func compare(_ a: ArraySlice<Int32>, _ b: ArraySlice<Int32>) -> Int {
    a.withUnsafeBytes { a in
      b.withUnsafeBytes { b in
        let count = min(a.count, b.count)
        guard count > 0, let left = a.baseAddress, let right = b.baseAddress else {
          return a.count - b.count
        }
        let order = Int(memcmp(left, right, count))
        return order == 0 ? a.count - b.count : order
      }
    }
  }

  /// Tokens that two beginnings have in common.
  package static func common(_ a: ArraySlice<Int32>, _ b: ArraySlice<Int32>) -> Int {
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        let limit = min(a.count, b.count)
        return (0..<limit).first { a[$0] != b[$0] } ?? limit
      }
    }
  }
}
