extension [Int] {
  /// The product of non-negative sizes, or nil where it leaves the range of `Int`.
  package var checkedProduct: Int? {
    var product = 1
    // A zero makes the product zero, however large the other sizes are.
    if contains(0) { return allSatisfy { $0 >= 0 } ? 0 : nil }
    for size in self {
      let (next, overflow) = product.multipliedReportingOverflow(by: size)
      if overflow || size < 0 { return nil }
      product = next
    }
    return product
  }
}

extension Int {
  /// The smallest multiple of `alignment` that is not less than this non-negative number.
  func roundedUp(to alignment: Int) -> Int { (self + alignment - 1) / alignment * alignment }
}
