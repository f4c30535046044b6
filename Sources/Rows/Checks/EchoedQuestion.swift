/// Answers that say the question again.
struct EchoedQuestion: RowCheck {
  func findings(in row: CheckedRow) -> [RowFinding] {
    var question: [UInt64]?
    for text in row.texts where text.kind == .content {
      if text.role == "user" { question = text.words }
      guard text.isAnswer, let asked = question else { continue }
      // Even a short question is longer than two words; "Yes" to "Yes" may be a game.
      guard asked.count >= 3, text.bytes.count < 1 << 16 else { continue }
      let said = text.words
      if said == asked {
        return [row.finding(.echo, "the assistant's text is the user's text again")]
      }
      if asked.count >= 8, said.starts(with: asked) {
        return [row.finding(.echo, "the assistant's text begins with all of the user's text")]
      }
    }
    return []
  }
}
