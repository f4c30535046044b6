import Formats

extension ChatTemplate {
  /// A message as templates know it.
  ///
  /// transformers 5 prepares messages before it renders them, and so does this:
  /// - A key whose value is null is left out.
  /// - `reasoning_content`, `thinking` and `reasoning` name the same: the first that the row has becomes
  ///   `reasoning_content` and, where that is not there, `thinking`.
  ///
  /// Beyond it, what a template has no place for becomes what it has a place for: the texts of parts are
  /// joined for templates that take strings, and calls are written as text for those without calls.
  ///
  /// - Parameters:
  ///   - keepsNull: Passes a null content as none, as transformers 4 does.
  ///   - joinsParts: Whether parts become one text where the template takes none.
  func json(_ message: Message, keepsNull: Bool = false, joinsParts: Bool = true) -> JSON {
    var members: [(key: String, value: JSON)] = [("role", .string(message.role))]
    let reasoning = message.reasoningValue
    if let reasoning, message.body["thinking"] == nil { members.append(("thinking", reasoning)) }
    members += message.body.members.filter { keepsNull || !$0.value.isNull }
    var object = JSONObject(members)
    if let reasoning { object["reasoning_content"] = reasoning }
    if joinsParts, message.body["content"]?.array != nil, !rolesWithParts.contains(message.role) {
      object["content"] = .string(message.content)
    }
    if !showsToolCalls(of: message), !message.toolCallText.isEmpty {
      object["tool_calls"] = nil
      object["content"] = .string(message.contentWithToolCalls)
    }
    return .object(object)
  }
}
