package import Testing

/// Expects |actual - expected| <= absolute + relative · |expected| for every element; the message
/// tells the worst one.
package func expectClose<Actual: Sequence, Expected: Sequence>(
  _ actual: Actual, _ expected: Expected, absolute: Double, relative: Double, _ name: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) where Actual.Element: BinaryFloatingPoint, Expected.Element: BinaryFloatingPoint {
  let mismatch = worstMismatch(actual, expected, relative: relative, absolute: absolute)
  guard let mismatch else { return }
  Issue.record("\(name) \(mismatch)", sourceLocation: sourceLocation)
}
