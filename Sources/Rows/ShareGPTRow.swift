import Formats
import Text

/// `{conversations: [{from, value}], system?, tools?}`; OpenAI's `messages: [{role, content}]` as well.
struct ShareGPTRow {
  let object: JSONObject

  func conversation() throws(RowFault) -> Conversation {
    let key = object["conversations"] == nil ? "messages" : "conversations"
    guard let list = object[key] else {
      throw RowFault("\"conversations\" is missing, expected a list of messages")
    }
    guard let elements = list.array else {
      throw RowFault("\"\(key)\" is \(list.kindName), expected a list of messages")
    }
    var messages: [Message] = []
    for (index, element) in elements.enumerated() {
      do {
        messages.append(try message(element))
      } catch {
        throw RowFault("message \(index + 1): \(error.sentence)")
      }
    }
    try check(messages)
    if let system = try object.text("system", "system_prompt"), !system.isEmpty {
      guard messages.first?.role != "system" else {
        throw RowFault(
          "found \"system\" and a first message of role \"system\", expected one of them")
      }
      messages.insert(Message(role: "system", content: system), at: 0)
    }
    return Conversation(messages: messages)
  }

  private func check(_ messages: [Message]) throws(RowFault) {
    guard let last = messages.last else {
      throw RowFault("the conversation is empty, expected at least a question and an answer")
    }
    guard last.role == "assistant" else {
      throw RowFault(
        "the last message is of role \"\(last.role)\", expected \"assistant\" so that there is "
          + "something to learn")
    }
  }

  private func message(_ element: JSON) throws(RowFault) -> Message {
    guard let object = element.object else {
      throw RowFault("found \(element.kindName), expected an object")
    }
    guard let from = try object.text("from", "role") else {
      throw RowFault("\"from\" is missing, expected who speaks")
    }
    let content = try content(object)
    switch from {
    case "human", "user": return try required(content, role: "user")
    case "system": return try required(content, role: "system")
    case "gpt", "assistant": return try answer(content, object)
    case "function_call":
      let text = try required(content, role: "assistant").content
      let calls = try ToolRow.calls(text)
      return Message(role: "assistant", content: "", toolCalls: calls, toolCallText: text)
    case "tool", "observation":
      var message = try required(content, role: "tool")
      message.toolCallID = try object.text("tool_call_id")
      message.name = try object.text("name")
      return message
    default:
      throw RowFault(
        "the role \"\(from)\" is unknown, expected human, gpt, system, tool, observation or "
          + "function_call")
    }
  }

  private func required(_ content: String?, role: String) throws(RowFault) -> Message {
    guard let content else { throw RowFault("\"value\" is missing, expected a string") }
    return Message(role: role, content: content)
  }

  private func answer(_ content: String?, _ object: JSONObject) throws(RowFault) -> Message {
    let calls = try ToolRow.calls(object["tool_calls"])
    guard content != nil || !calls.isEmpty else {
      throw RowFault("\"value\" is missing, expected a string")
    }
    let text = content ?? ""
    guard !text.isSpace || !calls.isEmpty else {
      throw RowFault("the assistant's text is empty, so there is nothing to learn")
    }
    return Message(
      role: "assistant", content: text,
      reasoning: try object.text("reasoning_content", "thinking", "reasoning"), toolCalls: calls,
      isTrained: try isTrained(object))
  }

  /// OpenAI's `weight`: 0 leaves an answer out of the loss.
  private func isTrained(_ object: JSONObject) throws(RowFault) -> Bool {
    guard let weight = object["weight"], !weight.isNull else { return true }
    switch weight.number {
    case 0: return false
    case 1: return true
    default: throw RowFault("\"weight\" is \(weight.text()), expected 0 or 1")
    }
  }

  /// The text of a message, also when it is written as a list of text parts.
  private func content(_ object: JSONObject) throws(RowFault) -> String? {
    guard let parts = (object["value"] ?? object["content"])?.array else {
      return try object.text("value", "content")
    }
    var text = ""
    for part in parts {
      guard part["type"]?.string == "text", let piece = part["text"]?.string else {
        throw RowFault("the content holds a part that is no text, which cannot be learnt from")
      }
      text += piece
    }
    return text
  }
}
