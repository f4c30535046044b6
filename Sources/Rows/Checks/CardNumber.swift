/// Finds numbers of payment cards: the length and the first digits of a network, and a check digit that
/// fits (ISO/IEC 7812, Luhn).
enum CardNumber {
  @Sendable static func first(in bytes: [UInt8], from start: Int = 0) -> Range<Int>? {
    var index = start
    while index < bytes.count {
      guard bytes.isDigit(index), !isPartOfMore(bytes, index - 1) else {
        index += 1
        continue
      }
      let (digits, end) = digits(bytes, from: index)
      if isCard(digits), !isPartOfMore(bytes, end) { return index..<end }
      while bytes.isDigit(index) { index += 1 }
    }
    return nil
  }

  /// Whether the last digit is the check digit of the others (Luhn 1960).
  static func passesLuhn(_ digits: [UInt8]) -> Bool {
    var sum = 0
    for (place, digit) in digits.reversed().enumerated() {
      let value = Int(digit) * (place % 2 == 1 ? 2 : 1)
      sum += value > 9 ? value - 9 : value
    }
    return !digits.isEmpty && sum % 10 == 0
  }

  private static func isPartOfMore(_ bytes: [UInt8], _ index: Int) -> Bool {
    guard bytes.indices.contains(index) else { return false }
    if bytes.isWord(index) || bytes.has("_", at: index) { return true }
    // A decimal number, a date, a range: digits on the other side of a mark.
    let isMark = ".,-/:".utf8.contains(bytes[index])
    return isMark && (bytes.isDigit(index - 1) && bytes.isDigit(index + 1))
  }

  /// Values of the digits from `start` on; groups of four to six may have one space or hyphen between them.
  private static func digits(_ bytes: [UInt8], from start: Int) -> ([UInt8], end: Int) {
    var digits: [UInt8] = []
    var index = start
    var groupStart = start
    while digits.count < 20 {
      if bytes.isDigit(index) {
        digits.append(bytes[index] - 0x30)
        index += 1
      } else if (4...6).contains(index - groupStart), bytes.isDigit(index + 1),
        bytes.has(" ", at: index) || bytes.has("-", at: index)
      {
        index += 1
        groupStart = index
      } else {
        break
      }
    }
    return (digits, index)
  }

  /// Lengths and first digits of the large networks.
  private static func isCard(_ digits: [UInt8]) -> Bool {
    guard digits.count >= 13, Set(digits).count > 2 else { return false }
    let prefix = digits.prefix(4).reduce(0) { $0 * 10 + Int($1) }
    let lengths: [Int]
    switch prefix {
    case 4000...4999: lengths = [13, 16, 19]
    case 5100...5599, 2221...2720, 3528...3589, 6011, 6440...6599: lengths = [16]
    case 3400...3499, 3700...3799: lengths = [15]
    case 3000...3059, 3600...3699, 3800...3899: lengths = [14]
    default: lengths = []
    }
    return lengths.contains(digits.count) && passesLuhn(digits)
  }
}
