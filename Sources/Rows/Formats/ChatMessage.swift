import Formats
import Text

/// Reads one message of a conversation. Every key of it goes on to the template, but those that only say how
/// much it counts.
struct ChatMessage {
  /// Names of roles beside the usual ones.
  let roles: [String: String]
  /// What the row calls "role" and "content", where it has names of its own.
  let roleKey: String?
  let contentKey: String?
  let parsesToolArguments: Bool

  init(_ source: RowSource) {
    roles = source.mapping.roles
    roleKey = source.mapping.fields["role"]
    contentKey = source.mapping.fields["content"]
    parsesToolArguments = source.parsesToolArguments
  }

  private static let knownRoles = [
    "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant",
    "system": "system", "developer": "developer", "tool": "tool", "observation": "tool",
    "function": "tool", "function_call": "function_call",
  ]

  func message(_ element: JSON) throws(RowFault) -> Message {
    guard let object = element.object else {
      throw RowFault(.wrongType, "found \(element.kindName), expected an object")
    }
    let roleKey = roleKey ?? (object["role"] == nil ? "from" : "role")
    let contentKey =
      contentKey ?? (object["content"] == nil && object["value"] != nil ? "value" : "content")
    let role = try role(object[roleKey], called: roleKey)
    let content = try checked(object[contentKey], called: contentKey)
    if role == "function_call" { return try calls(content, called: contentKey) }
    let own = [roleKey, contentKey, "weight", "train"]
    var body = JSONObject(object.members.filter { !own.contains($0.key) && !$0.value.isNull })
    if let content {
      body = JSONObject([("content", content)] + body.members)
    }
    var message = Message(role: role, body: body)
    try takeCalls(of: &message)
    try takeWeight(object, of: &message)
    try check(message, called: contentKey)
    return message
  }

  private func role(_ value: JSON?, called key: String) throws(RowFault) -> String {
    guard let value, !value.isNull else {
      throw RowFault(.missingField, "\"\(key)\" is missing, expected who speaks")
    }
    guard let name = value.string else {
      throw RowFault(.wrongType, "\"\(key)\" is \(value.kindName), expected who speaks")
    }
    guard let role = roles[name] ?? Self.knownRoles[name] else {
      throw RowFault(
        .unknownRole,
        "the role \"\(name)\" is unknown, expected user, assistant, system, tool or another name of these; "
          + "\"roles\" of the source can say who that is")
    }
    return role
  }

  /// A text, parts of which each is text, null, or nil where there is none.
  private func checked(_ content: JSON?, called key: String) throws(RowFault) -> JSON? {
    guard let content, !content.isNull, content.string == nil else { return content }
    guard let parts = content.array else {
      throw RowFault(.wrongType, "\"\(key)\" is \(content.kindName), expected a string")
    }
    for part in parts {
      let type = part["type"]?.string ?? "text"
      guard type == "text", part["text"]?.string != nil else {
        throw RowFault(
          .wrongType,
          "the content holds a part that is no text (\(type == "text" ? part.kindName : "of type \"\(type)\"")), "
            + "which cannot be learnt from")
      }
    }
    return content
  }

  /// ShareGPT's `function_call`: calls written as text.
  private func calls(_ content: JSON?, called key: String) throws(RowFault) -> Message {
    guard let text = content?.string else {
      throw RowFault(.missingField, "\"\(key)\" is missing, expected a call")
    }
    return Message(
      role: "assistant", content: "", toolCalls: try ToolRow.calls(writtenAs: text),
      toolCallText: text)
  }

  private func takeCalls(of message: inout Message) throws(RowFault) {
    if let calls = message.body["tool_calls"] {
      message.toolCalls = try ToolRow.calls(calls, parsesArguments: parsesToolArguments)
    }
    if let call = message.body["function_call"] {
      message.body["function_call"] = nil
      message.toolCalls.append(
        try ToolRow.call(legacy: call, parsesArguments: parsesToolArguments))
    }
  }

  /// `weight`, a number, or `train`, true or false; of anybody but the assistant nothing is learnt anyway.
  private func takeWeight(_ object: JSONObject, of message: inout Message) throws(RowFault) {
    guard message.role == "assistant" else { return }
    let weight = object["weight"].flatMap { $0.isNull ? nil : $0 }
    if let weight = try RowFields.weight(weight) { message.weight = weight }
    guard let trains = object["train"], !trains.isNull else { return }
    guard let trains = trains.bool else {
      throw RowFault(.wrongType, "\"train\" is \(trains.kindName), expected true or false")
    }
    if !trains { message.weight = 0 }
  }

  private func check(_ message: Message, called key: String) throws(RowFault) {
    let content = message.body["content"]
    guard message.role == "assistant" else {
      guard let content, !content.isNull else {
        throw RowFault(.missingField, "\"\(key)\" is missing, expected a string")
      }
      return
    }
    guard message.toolCalls.isEmpty else { return }
    guard let content, !content.isNull else {
      throw RowFault(.missingField, "\"\(key)\" is missing, expected a string")
    }
    guard !message.content.isSpace else {
      throw RowFault(.emptyAnswer, "the assistant's text is empty, so there is nothing to learn")
    }
  }
}
