/// Which two neighbouring tokens become one, and how early: a flat hash table from a pair of ids,
/// packed into 64 bits, to (rank, id of the joined token).
///
/// Open addressing in one allocation, a key beside its value: one look-up is one cache line.
/// Sendable because it does not change after `init`.
final class MergeTable: @unchecked Sendable {
  /// What `subscript` returns for a pair that does not merge; larger than every merge.
  static let none = UInt64.max

  private let slots: UnsafeMutablePointer<(pair: UInt64, merge: UInt64)>
  private let mask: UInt64

  /// - Parameter merges: In order of rank; where a pair comes twice, the later rank counts.
  convenience init(_ merges: [(left: Int32, right: Int32, joined: Int32)]) {
    self.init(merges, ranks: 0..<merges.count)
  }

  /// - Parameter ranks: One a merge, below 2^32; several merges may have the same.
  init(
    _ merges: [(left: Int32, right: Int32, joined: Int32)], ranks: some Sequence<Int>
  ) {
    let capacity = (merges.count * 2 + 1).nextPowerOfTwo
    slots = .allocate(capacity: capacity)
    slots.initialize(repeating: (Self.none, Self.none), count: capacity)
    mask = UInt64(capacity - 1)
    for (rank, merge) in zip(ranks, merges) {
      let pair = Self.pair(merge.left, merge.right)
      slots[place(of: pair)] = (pair, UInt64(rank) << 32 | UInt64(UInt32(bitPattern: merge.joined)))
    }
  }

  deinit { slots.deallocate() }

  /// `rank << 32 | joined id`, or `none`. Comparing two of them compares their ranks.
  @inline(__always)
  subscript(left: Int32, right: Int32) -> UInt64 { slots[place(of: Self.pair(left, right))].merge }

  @inline(__always)
  private static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  /// Where `pair` is, or the free slot where it would be.
  @inline(__always)
  private func place(of pair: UInt64) -> Int {
    // Multiplicative hashing (Knuth, TAOCP 6.4): the high half of the product is well mixed.
    var place = (pair &* 0x9E37_79B9_7F4A_7C15) >> 32 & mask
    while slots[Int(place)].pair != pair, slots[Int(place)].pair != Self.none {
      place = (place + 1) & mask
    }
    return Int(place)
  }
}
