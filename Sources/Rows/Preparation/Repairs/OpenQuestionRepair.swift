import Formats

/// Cuts off what comes behind the last answer of a conversation.
enum OpenQuestionRepair {
  private static let answering: Set<String> = [
    "gpt", "assistant", "chatgpt", "model", "bot", "function_call",
  ]

  /// nil where nobody answers at all.
  static func repaired(_ row: JSON, mapping: RowMapping = RowMapping()) -> JSON? {
    let names = MappedNames(mapping)
    let keys = ["messages", "conversations"].map(names.member)
    guard let key = keys.first(where: { row[$0]?.array != nil }), let messages = row[key]?.array,
      let last = messages.lastIndex(where: { answers($0, names) }), last < messages.count - 1
    else { return nil }
    var row = row
    row.set(key, .array(Array(messages[...last])))
    return row
  }

  private static func answers(_ message: JSON, _ names: MappedNames) -> Bool {
    let role = names.roleKey.flatMap { message[$0] } ?? message["role"] ?? message["from"]
    guard let role = role?.string else { return false }
    return answering.contains(names.roles[role] ?? role)
  }
}
