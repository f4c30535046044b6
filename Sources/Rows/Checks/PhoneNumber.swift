/// Finds telephone numbers: with a country code, in the North American form, or behind a word such as "tel".
enum PhoneNumber {
  @Sendable static func first(in bytes: [UInt8], from start: Int = 0) -> Range<Int>? {
    for index in bytes.indices.dropFirst(start) {
      let found: Range<Int>?
      switch bytes[index] {
      case UInt8(ascii: "+"): found = international(bytes, index)
      case UInt8(ascii: "("): found = american(bytes, index)
      case UInt8(ascii: "0")...UInt8(ascii: "9"): found = american(bytes, index)
      case UInt8(ascii: "T"), UInt8(ascii: "t"), UInt8(ascii: "P"), UInt8(ascii: "p"),
        UInt8(ascii: "M"), UInt8(ascii: "m"), UInt8(ascii: "F"), UInt8(ascii: "f"):
        found = announced(bytes, index)
      default: found = nil
      }
      if let found { return found }
    }
    return nil
  }

  /// "+44 20 7946 0958": 9 to 15 digits (ITU-T E.164), in groups.
  private static func international(_ bytes: [UInt8], _ index: Int) -> Range<Int>? {
    guard !bytes.isWord(index - 1), !bytes.has("+", at: index - 1), bytes.isDigit(index + 1),
      !bytes.has("0", at: index + 1), let number = number(bytes, from: index + 1),
      (9...15).contains(number.digits.count)
    else { return nil }
    return index..<number.end
  }

  /// "(415) 734-2190", "415-734-2190": area and exchange begin with 2 to 9. Numbers in 555 are for films.
  private static func american(_ bytes: [UInt8], _ index: Int) -> Range<Int>? {
    let before = index - 1
    guard !bytes.isWord(before), !bytes.has("-", at: before), !bytes.has(".", at: before),
      !bytes.has("/", at: before)
    else { return nil }
    let isInParentheses = bytes.has("(", at: index)
    let area = isInParentheses ? index + 1 : index
    var place = area + 3
    if isInParentheses {
      guard bytes.has(")", at: place) else { return nil }
      place += bytes.has(" ", at: place + 1) ? 2 : 1
    } else {
      guard bytes.has("-", at: place) || bytes.has(".", at: place) else { return nil }
      place += 1
    }
    let separator: Unicode.Scalar = bytes.has(".", at: place + 3) ? "." : "-"
    guard bytes.has(separator, at: place + 3),
      isInParentheses || bytes.has(separator, at: area + 3)
    else { return nil }
    let end = place + 8
    let groups = [area..<area + 3, place..<place + 3, place + 4..<end]
    guard groups.allSatisfy({ $0.allSatisfy(bytes.isDigit) }), !bytes.isWord(end),
      !(bytes.has("-", at: end) && bytes.isWord(end + 1)), bytes[area] >= UInt8(ascii: "2"),
      bytes[place] >= UInt8(ascii: "2"),
      bytes[place..<place + 3] != Array("555".utf8)[...]
    else { return nil }
    return index..<end
  }

  /// "Tel. 030 901820": a word that says so, then 7 to 15 digits in two groups or more.
  private static func announced(_ bytes: [UInt8], _ index: Int) -> Range<Int>? {
    guard !bytes.isWord(index - 1) else { return nil }
    for word in announcing where bytes[index] | 0x20 == word[0] {
      let end = index + word.count
      guard end < bytes.count, zip(bytes[index..<end], word).allSatisfy({ $0 | 0x20 == $1 }),
        !bytes.isWord(end)
      else { continue }
      var place = end
      while place < end + 3, place < bytes.count, ".: ".utf8.contains(bytes[place]) { place += 1 }
      guard let number = number(bytes, from: place), number.groups > 1,
        (7...15).contains(number.digits.count)
      else { continue }
      return place..<number.end
    }
    return nil
  }

  private static let announcing = ["telephone", "phone", "mobile", "tel", "fax"].map {
    Array($0.utf8)
  }

  /// Digits in groups with one separator between them, or two around parentheses.
  private static func number(
    _ bytes: [UInt8], from start: Int
  ) -> (digits: [UInt8], groups: Int, end: Int)? {
    var digits: [UInt8] = []
    var groups = 0
    var index = start
    var end = start
    while index < bytes.count {
      let first = index
      while bytes.isDigit(index) {
        digits.append(bytes[index])
        index += 1
      }
      if index > first {
        groups += 1
        end = index
      }
      var separators = 0
      while index < bytes.count, separators < 2, " -./()".utf8.contains(bytes[index]) {
        separators += 1
        index += 1
      }
      guard separators > 0, bytes.isDigit(index) else { break }
    }
    guard !digits.isEmpty, !bytes.isWord(end), digits.count <= 20 else { return nil }
    return (digits, groups, end)
  }
}
