/// The least of any stretch of a list of numbers, found by looking at few of them.
struct RangeMinimum: Sendable {
  private static let width = 16
  /// The numbers, then of each the least of `width` neighbours of the level before.
  private let levels: [[Int32]]

  init(_ numbers: [Int32]) {
    var levels = [numbers]
    while let last = levels.last, last.count > Self.width {
      levels.append(
        stride(from: 0, to: last.count, by: Self.width).map { start in
          last[start..<min(start + Self.width, last.count)].min() ?? .max
        })
    }
    self.levels = levels
  }

  /// - Parameter range: Not empty.
  func minimum(_ range: Range<Int>) -> Int32 {
    precondition(!range.isEmpty, "the least of nothing")
    var (start, end) = (range.lowerBound, range.upperBound)
    var least = Int32.max
    for level in levels {
      // The ends that are no whole stretch of the next level; all of a short range.
      let isShort = end - start <= 2 * Self.width
      while start < end, isShort || !start.isMultiple(of: Self.width) {
        least = min(least, level[start])
        start += 1
      }
      while start < end, !end.isMultiple(of: Self.width) {
        end -= 1
        least = min(least, level[end])
      }
      if start == end { return least }
      (start, end) = (start / Self.width, end / Self.width)
    }
    return least
  }
}
