/// Answers that end in the same words over and over, as models write that do not stop.
struct LoopingAnswer: RowCheck {
  /// Words that have to say nothing new, and rounds that they have to fill.
  private static let words = 30
  private static let rounds = 4
  private static let longestPeriod = 40

  func findings(in row: CheckedRow) -> [RowFinding] {
    for text in row.texts where text.isAnswer && text.bytes.count < 1 << 20 {
      guard let period = Self.period(text.words) else { continue }
      return [
        row.finding(
          .loopingAnswer,
          "the assistant's text ends in the same \(period == 1 ? "word" : "\(period) words") again and again"
        )
      ]
    }
    return []
  }

  /// After how many words the end of a text repeats itself.
  private static func period(_ words: [UInt64]) -> Int? {
    guard words.count > Self.words else { return nil }
    return (1...longestPeriod).first { period in
      var index = words.count - 1
      while index >= period, words[index] == words[index - period] { index -= 1 }
      let same = words.count - 1 - index
      return same >= max(Self.words, (rounds - 1) * period)
    }
  }
}
