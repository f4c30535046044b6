/// Answers that stand where an answer was to be written, or that a model wrote to refuse.
struct Placeholder: RowCheck {
  func findings(in row: CheckedRow) -> [RowFinding] {
    var findings: [RowFinding] = []
    for text in row.texts where text.isAnswer {
      if let found = Self.placeholder(text.bytes) {
        findings.append(row.finding(.placeholder, "the assistant's text is or holds \"\(found)\""))
      }
      if let found = Self.refusals.first(in: Array(text.bytes.prefix(400))) {
        findings.append(row.finding(.refusal, "the assistant says \"\(found.text)\""))
      }
    }
    return findings
  }

  private static func placeholder(_ bytes: [UInt8]) -> String? {
    if let found = fillers.first(in: bytes) { return found.text }
    guard bytes.count <= 80 else { return nil }
    let text = String(decoding: bytes, as: UTF8.self).lowercased()
      .split(whereSeparator: \.isWhitespace).joined(separator: " ")
    if whole.contains(text) { return text }
    let isMarked = ["todo:", "todo ", "tbd:", "fixme:"].contains { text.hasPrefix($0) }
    return isMarked && text.split(separator: " ").count <= 8 ? text : nil
  }

  private static let fillers = BytePatterns(
    ["lorem ipsum", "[insert answer", "<insert answer", "[your answer", "<your answer"],
    ignoresCase: true)

  private static let whole: Set<String> = [
    "todo", "tbd", "fixme", "n/a", "nan", "null", "placeholder", "...", "…", "xxx", "-", "--", "?",
    "???", "your answer here", "answer goes here", "no answer", "no response", "#n/a", "#ref!",
    "#value!", "[removed]", "[deleted]",
  ]

  private static let refusals = BytePatterns(
    [
      "as an ai language model", "as a large language model", "as an ai assistant, i",
      "as an artificial intelligence", "i am an ai language model", "i'm an ai language model",
      "i'm just an ai", "i cannot fulfill this request", "i can't fulfill this request",
      "i can't assist with that", "i cannot assist with that", "i'm sorry, but i can't",
      "i'm sorry, but i cannot", "i’m sorry, but i can’t", "i’m sorry, but i cannot",
      "i am sorry, but i cannot",
    ], ignoresCase: true)
}
