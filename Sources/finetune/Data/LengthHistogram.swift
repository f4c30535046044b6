/// How many rows have which length, as bars of text.
struct LengthHistogram {
  struct Bucket {
    let lengths: ClosedRange<Int>
    var rows: Int
  }

  private(set) var buckets: [Bucket] = []

  private static let most = 12
  private static let barWidth = 40

  /// - Parameter lengths: In any order.
  init(_ lengths: [Int]) {
    guard let shortest = lengths.min(), let longest = lengths.max() else { return }
    // A few long rows must not press all others into one bar.
    let sorted = lengths.sorted()
    let usual = sorted[min(sorted.count - 1, sorted.count * 99 / 100)]
    let width = Self.roundWidth(max(1, (usual - shortest + Self.most - 1) / Self.most))
    let first = shortest / width
    let count = min(Self.most, longest / width - first + 1)
    buckets = (first..<first + count).map { index in
      let end = (index + 1) * width - 1
      return Bucket(
        lengths: index * width...(index == first + count - 1 ? max(longest, end) : end), rows: 0)
    }
    for length in lengths { buckets[min(count - 1, length / width - first)].rows += 1 }
  }

  /// The next of 1, 2, 5, 10, 20, 50 …
  private static func roundWidth(_ width: Int) -> Int {
    var unit = 1
    while true {
      for factor in [1, 2, 5] where factor * unit >= width { return factor * unit }
      unit *= 10
    }
  }

  /// - Parameter unit: What lengths are counted in.
  func text(unit: String, on terminal: Terminal) -> String {
    let names = buckets.map { "\($0.lengths.lowerBound)–\($0.lengths.upperBound)" }
    let counts = buckets.map { NumberText.grouped($0.rows) }
    let nameWidth = max(unit.count, names.map(\.count).max() ?? 0)
    let countWidth = max(4, counts.map(\.count).max() ?? 0)
    let most = max(1, buckets.map(\.rows).max() ?? 1)
    let head = "  \(leftPadded(unit, to: nameWidth))  \(leftPadded("rows", to: countWidth))\n"
    return terminal.dim(head)
      + zip(buckets, zip(names, counts)).map { bucket, texts in
        let bar = Self.bar(bucket.rows, of: most)
        return "  \(leftPadded(texts.0, to: nameWidth))  \(leftPadded(texts.1, to: countWidth))"
          + (bar.isEmpty ? "\n" : "  " + terminal.green(bar) + "\n")
      }.joined()
  }

  /// A bar of eighths; a row alone is seen as well.
  private static func bar(_ rows: Int, of most: Int) -> String {
    guard rows > 0 else { return "" }
    let eighths = max(1, barWidth * 8 * rows / most)
    return String(repeating: "█", count: eighths / 8)
      + ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
  }
}
