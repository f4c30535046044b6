import Foundation

/// The element of two sequences that differs most beyond its tolerance.
package struct Mismatch: CustomStringConvertible {
  package let index: Int
  package let actual: Double
  package let expected: Double
  package let tolerance: Double
  package let count: Int

  package var description: String {
    "element \(index) of \(count) is \(actual), expected \(expected) ± \(tolerance)"
  }
}

/// Compares with |actual - expected| <= absolute + relative · |expected|; nil where all elements
/// are that close. NaN is close to nothing.
package func worstMismatch<Actual: Sequence, Expected: Sequence>(
  _ actual: Actual, _ expected: Expected, relative: Double = 1e-5, absolute: Double = 1e-6
) -> Mismatch? where Actual.Element: BinaryFloatingPoint, Expected.Element: BinaryFloatingPoint {
  let (actual, expected) = (actual.map { Double($0) }, expected.map { Double($0) })
  guard actual.count == expected.count else {
    return Mismatch(
      index: min(actual.count, expected.count), actual: Double(actual.count),
      expected: Double(expected.count), tolerance: 0, count: expected.count)
  }
  var worst: (excess: Double, mismatch: Mismatch)?
  for (index, (a, e)) in zip(actual, expected).enumerated() {
    let tolerance = absolute + relative * abs(e)
    let difference = abs(a - e)
    if difference <= tolerance { continue }
    let excess = difference.isNaN ? .infinity : difference / tolerance
    if let worst, worst.excess >= excess { continue }
    let mismatch = Mismatch(
      index: index, actual: a, expected: e, tolerance: tolerance, count: expected.count)
    worst = (excess, mismatch)
  }
  return worst?.mismatch
}

/// The first element whose bits differ; nil where all are equal.
package func firstDifference(_ actual: [Float], _ expected: [Float]) -> Mismatch? {
  if haveSameBytes(actual, expected) { return nil }
  guard actual.count == expected.count else {
    return worstMismatch(actual, expected)
  }
  for (index, (a, e)) in zip(actual, expected).enumerated() where a.bitPattern != e.bitPattern {
    return Mismatch(
      index: index, actual: Double(a), expected: Double(e), tolerance: 0, count: expected.count)
  }
  return nil
}

/// Fast in debug builds too, where a loop over elements is not.
private func haveSameBytes(_ x: [Float], _ y: [Float]) -> Bool {
  x.withUnsafeBytes { x in
    y.withUnsafeBytes { y in
      guard let first = x.baseAddress, let second = y.baseAddress else { return x.count == y.count }
      return x.count == y.count && memcmp(first, second, x.count) == 0
    }
  }
}
