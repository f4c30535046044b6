/// A set of characters as ranges of code points, ascending and apart.
struct UnicodeRanges: Sendable {
  private let starts: [UInt32]
  private let ends: [UInt32]

  /// - Parameter text: Such as `378-37F 38B`, hexadecimal.
  init(_ text: String) {
    let bounds = text.split(whereSeparator: \.isWhitespace).map { range in
      range.split(separator: "-").compactMap { UInt32($0, radix: 16) }
    }
    starts = bounds.compactMap(\.first)
    ends = bounds.compactMap(\.last)
  }

  func contains(_ scalar: Unicode.Scalar) -> Bool {
    var (low, high) = (0, starts.count)
    while low < high {
      let middle = (low + high) / 2
      if starts[middle] <= scalar.value { low = middle + 1 } else { high = middle }
    }
    return low > 0 && scalar.value <= ends[low - 1]
  }

  /// The set as the contents of a character class of a regular expression.
  var pattern: String {
    zip(starts, ends).map { start, end in
      "\\x{\(String(start, radix: 16))}-\\x{\(String(end, radix: 16))}"
    }.joined()
  }
}
