import Foundation

/// What lengths of texts are usual in a file.
struct LengthScale {
  /// Half of the lengths are shorter.
  let middle: UInt32
  /// How far a usual length is from it, as a logarithm to base 2.
  private let deviation: Double

  private static let least = 3.0
  private static let deviations = 6.0
  /// A median absolute deviation is this much smaller than a standard deviation of a normal distribution.
  private static let ratio = 1.4826

  init(_ lengths: [UInt32]) {
    let sorted = lengths.sorted()
    let middle = sorted.isEmpty ? 0 : sorted[sorted.count / 2]
    let distances = sorted.map { abs(Self.distance($0, middle)) }.sorted()
    self.middle = middle
    deviation = distances.isEmpty ? 0 : Self.ratio * distances[distances.count / 2]
  }

  /// How many times two an unusual length is longer (or, negative, shorter) than the middle; nil for a
  /// usual one.
  func times(_ length: UInt32) -> Double? {
    let distance = Self.distance(length, middle)
    return abs(distance) > max(Self.least, Self.deviations * deviation) ? distance : nil
  }

  private static func distance(_ length: UInt32, _ middle: UInt32) -> Double {
    log2((Double(length) + 1) / (Double(middle) + 1))
  }
}
