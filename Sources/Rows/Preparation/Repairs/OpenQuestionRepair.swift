import Formats

/// Cuts off what comes behind the last answer of a conversation.
enum OpenQuestionRepair {
  private static let answering: Set<String> = [
    "gpt", "assistant", "chatgpt", "model", "bot", "function_call",
  ]

  /// nil where nobody answers at all.
  static func repaired(_ row: JSON) -> JSON? {
    let key = row["conversations"] == nil ? "messages" : "conversations"
    guard let messages = row[key]?.array,
      let last = messages.lastIndex(where: {
        answering.contains($0["from"]?.string ?? $0["role"]?.string ?? "")
      }), last < messages.count - 1
    else { return nil }
    var row = row
    row.set(key, .array(Array(messages[...last])))
    return row
  }
}
