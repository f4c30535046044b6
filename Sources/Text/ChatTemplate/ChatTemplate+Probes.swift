import Formats

/// What a template has a place for, found by showing it.
extension ChatTemplate {
  /// Stands where the template is asked for; no template writes it by itself.
  private static let mark = "MarkOfTheProbe"

  private static let question = Message(role: "user", content: "question")

  static func probeTool(named name: String) -> JSON {
    [
      "type": "function",
      "function": [
        "name": .string(name), "description": "description",
        "parameters": [
          "type": "object", "properties": ["key": ["type": "string", "description": "key"]],
          "required": ["key"],
        ],
      ],
    ]
  }

  static func probeCall(_ name: String) -> JSON {
    // Some templates accept nothing but identifiers of nine letters.
    [
      "id": "abcdefghi", "type": "function",
      "function": ["name": .string(name), "arguments": ["key": "value"]],
    ]
  }

  /// Whether the template shows a tool that a conversation has.
  var findsTools: Bool {
    shows([Self.question], Self.probeTool(named: Self.mark)) ?? mentions("tools")
  }

  /// Whether the template shows the calls of an answer.
  func findsToolCalls(content: JSON) -> Bool {
    let answer = Message(
      role: "assistant",
      body: JSONObject([("content", content), ("tool_calls", [Self.probeCall(Self.mark)])]))
    return shows([Self.question, answer], Self.probeTool(named: "name"))
      ?? shows([Self.question, answer], nil) ?? mentions("tool_calls")
  }

  /// Whether the template shows the thoughts of an answer at the end of a conversation.
  var findsReasoning: Bool {
    var answer = Message(role: "assistant", content: "answer")
    for key in Message.reasoningKeys { answer.body[key] = .string(Self.mark) }
    return shows([Self.question, answer], nil) ?? mentions("reasoning")
  }

  /// The roles whose text the template shows where it is a list of parts.
  func findRolesWithParts() -> Set<String> {
    let parts: JSON = [["type": "text", "text": .string(Self.mark)]]
    let call = Self.probeCall("name")
    let before = [
      "system": [], "developer": [], "user": [], "assistant": [Self.question],
      "tool": [Self.question, Message(role: "assistant", content: "", toolCalls: [call])],
    ]
    var roles: Set<String> = []
    for (role, before) in before {
      var message = Message(role: role, body: JSONObject([("content", parts)]))
      if role == "tool" {
        message.body["tool_call_id"] = call["id"]
        message.body["name"] = "name"
      }
      let messages =
        before + [message] + (["system", "developer"].contains(role) ? [Self.question] : [])
      let text = text(of: messages.map { json($0, joinsParts: false) }, nil)
      // A template that takes strings writes the list itself, if it does not fail.
      if let text, PythonString.contains(text, Self.mark),
        !PythonString.contains(text, "'text'"), !PythonString.contains(text, "\"text\"")
      {
        roles.insert(role)
      }
    }
    return roles
  }

  /// Whether a text ends otherwise where an answer is asked for; so it is taken where none can be had.
  var findsGenerationPrompt: Bool {
    let messages = [json(Self.question)]
    guard let without = text(of: messages, nil) else {
      return mentions("add_generation_prompt")
    }
    return text(of: messages, nil, addsGenerationPrompt: true) != without
  }

  /// Whether the mark is in the text of a conversation; nil where the template refuses it.
  private func shows(_ messages: [Message], _ tool: JSON?) -> Bool? {
    let text =
      text(of: messages.map { json($0) }, tool)
      ?? text(of: messages.map { json($0, keepsNull: true) }, tool)
    return text.map { PythonString.contains($0, Self.mark) }
  }

  private func text(
    of messages: [JSON], _ tool: JSON?, addsGenerationPrompt: Bool = false
  ) -> String? {
    var known: [String: JSON] = ["tools": tool.map { [$0] } ?? .null, "documents": .null]
    for name in ["bos", "eos", "unk", "sep", "pad", "cls", "mask"] { known["\(name)_token"] = "" }
    known.merge(variables.values) { $1 }
    known["messages"] = .array(messages)
    known["add_generation_prompt"] = .bool(addsGenerationPrompt)
    return try? render(variables: known)
  }

  private func mentions(_ name: String) -> Bool { PythonString.contains(source, name) }
}
