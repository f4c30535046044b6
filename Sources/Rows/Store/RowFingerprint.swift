/// 128 bits that stand for the tokens of a row: rows with equal ones are taken for equal.
///
/// Two rows of a set of a billion meet by accident about once in 10²⁰ sets.
package struct RowFingerprint: Hashable, Sendable {
  let first: UInt64
  let second: UInt64

  init(first: UInt64, second: UInt64) {
    self.first = first
    self.second = second
  }

  package init(_ ids: [Int32]) {
    var (a, b) = (UInt64(ids.count), ~UInt64(ids.count))
    for id in ids {
      let bits = UInt64(UInt32(bitPattern: id))
      a = Self.mixed(a ^ bits, 0x9E37_79B9_7F4A_7C15)
      b = Self.mixed(b &+ bits, 0xC2B2_AE3D_27D4_EB4F)
    }
    (first, second) = (a, b)
  }

  /// Spreads every bit over the whole word.
  private static func mixed(_ value: UInt64, _ factor: UInt64) -> UInt64 {
    let product = (value ^ (value >> 29)) &* factor
    return product ^ (product >> 32)
  }
}
