import Formats
import Text

/// `{conversations: [{from, value}], system?, tools?}`, and `{messages: [{role, content, …}], tools?}`.
struct ChatRow {
  let reader: ChatMessage

  func conversation(_ fields: inout RowFields) throws(RowFault) -> Conversation {
    guard let (key, list) = try fields.value(of: ["messages", "conversations"]) else {
      throw RowFault(
        .missingField,
        "\"messages\" (or \"conversations\") is missing, expected a list of messages")
    }
    var conversation = try conversation(list, called: key)
    try addSystem(try fields.text(["system", "system_prompt"]), to: &conversation)
    try addTools(&fields, to: &conversation)
    return conversation
  }

  /// A list of messages up to its last answer.
  func conversation(_ list: JSON, called key: String) throws(RowFault) -> Conversation {
    var conversation = Conversation(messages: try messages(list, called: key))
    guard let last = conversation.messages.last else {
      throw RowFault(
        .missingField, "the conversation is empty, expected at least a question and an answer")
    }
    let answered = conversation.messages.lastIndex { $0.role == "assistant" }.map { $0 + 1 } ?? 0
    guard answered > 0 else {
      throw RowFault(
        .endsWithUser,
        "the last message is of role \"\(last.role)\" and no message is of role \"assistant\", so there is "
          + "nothing to learn")
    }
    let open = conversation.messages.count - answered
    if open > 0 {
      conversation.openQuestions = open
      conversation.messages.removeLast(open)
      conversation.remarks.append(
        "the last message is of role \"\(last.role)\", so \(open == 1 ? "it is" : "the last \(open) are")"
          + " left out: nothing answers")
    }
    return conversation
  }

  func messages(_ list: JSON, called key: String) throws(RowFault) -> [Message] {
    guard let elements = list.array else {
      throw RowFault(.wrongType, "\"\(key)\" is \(list.kindName), expected a list of messages")
    }
    var messages: [Message] = []
    for (index, element) in elements.enumerated() {
      do {
        messages.append(try reader.message(element))
      } catch {
        throw RowFault(error.kind, "message \(index + 1): \(error.sentence)")
      }
    }
    return messages
  }

  func addSystem(_ text: String?, to conversation: inout Conversation) throws(RowFault) {
    guard let text, !text.isEmpty else { return }
    guard conversation.messages.first?.role != "system" else {
      throw RowFault(
        "found \"system\" and a first message of role \"system\", expected one of them")
    }
    conversation.messages.insert(Message(role: "system", content: text), at: 0)
  }

  func addTools(
    _ fields: inout RowFields, to conversation: inout Conversation
  ) throws(RowFault) {
    let tools =
      if let functions = fields.value("functions") {
        try ToolRow.tools(functions, "functions")
      } else {
        try ToolRow.tools(fields.value("tools"), "tools")
      }
    var padding = NullPadding(tools: tools)
    conversation.tools = padding.tools
    for index in conversation.messages.indices {
      let calls = conversation.messages[index].toolCalls
      if !calls.isEmpty {
        conversation.messages[index].toolCalls = calls.map { padding.call($0) }
      }
    }
    conversation.remarks += padding.remarks
  }
}
