/// Small slips in words, as people make them at a keyboard: two letters swapped, or one missing.
///
/// The first letter of a word stays, and so do short words, names in capitals, and code.
enum TypingSlips {
  private static let shortest = 4

  /// - Parameter share: How many of the words that may have a slip get one.
  /// - Returns: nil where no word got one.
  static func applied(to text: String, share: Double, _ numbers: inout SeededNumbers) -> String? {
    var result = String.UnicodeScalarView()
    var word: [Unicode.Scalar] = []
    var isChanged = false
    func finishWord() {
      if isOrdinary(word), numbers.fraction() < share, let slipped = slipped(word, &numbers) {
        isChanged = true
        word = slipped
      }
      result.append(contentsOf: word)
      word = []
    }
    let scalars = text.unicodeScalars
    let code = scalars.firstIndex(of: "`") ?? scalars.endIndex
    for scalar in scalars[..<code] {
      // What stands right beside a word belongs to it: "x.y", "a_b", addresses.
      if scalar.properties.isWhitespace {
        finishWord()
        result.append(scalar)
      } else {
        word.append(scalar)
      }
    }
    finishWord()
    result.append(contentsOf: scalars[code...])
    return isChanged ? String(result) : nil
  }

  /// Letters, the first perhaps a capital, and a mark at the end.
  private static func isOrdinary(_ word: [Unicode.Scalar]) -> Bool {
    let letters = word.dropLast(endMarks(word))
    return letters.count >= shortest
      && letters.dropFirst().allSatisfy { $0.properties.isLowercase }
      && letters.allSatisfy { $0.properties.isAlphabetic }
  }

  private static func endMarks(_ word: [Unicode.Scalar]) -> Int {
    word.reversed().prefix { ".,;:!?".unicodeScalars.contains($0) }.count
  }

  private static func slipped(
    _ word: [Unicode.Scalar], _ numbers: inout SeededNumbers
  ) -> [Unicode.Scalar]? {
    let letters = word.count - endMarks(word)
    var result = word
    let place = 1 + numbers.below(letters - 2)
    if numbers.below(2) == 0 {
      result.remove(at: place)
    } else {
      guard result[place] != result[place + 1] else { return nil }
      result.swapAt(place, place + 1)
    }
    return result
  }
}
