package import Formats

/// One turn of a conversation.
package struct Message: Equatable, Sendable {
  /// "system", "user", "assistant" or "tool".
  package var role: String
  /// Empty where the row has none, as a turn of nothing but calls.
  package var content: String
  /// What an assistant thought before it answered, without the marks around it.
  package var reasoning: String?
  /// Calls that an assistant makes, each `{"type": "function", "function": {"name", "arguments"}}`.
  package var toolCalls: [JSON]
  /// The calls as text, for templates that have no place for calls: as the row wrote them.
  package var toolCallText: String
  /// Which call a "tool" message answers, and the name of its tool, where the row says so.
  package var toolCallID: String?
  package var name: String?
  /// False for an assistant turn that the row excludes from the loss (`"weight": 0`).
  package var isTrained: Bool

  package init(
    role: String, content: String, reasoning: String? = nil, toolCalls: [JSON] = [],
    toolCallText: String? = nil, toolCallID: String? = nil, name: String? = nil,
    isTrained: Bool = true
  ) {
    self.role = role
    self.content = content
    self.reasoning = reasoning
    self.toolCalls = toolCalls
    self.toolCallText =
      toolCallText
      ?? toolCalls.map { ($0["function"] ?? $0).text(.python) }.joined(separator: "\n")
    self.toolCallID = toolCallID
    self.name = name
    self.isTrained = isTrained
  }
}

/// What a row of training data says, independent of its format and of any model's template.
package struct Conversation: Sendable {
  package var messages: [Message]
  /// Tools that the assistant may call, each `{"type": "function", "function": {…}}`.
  package var tools: [JSON]
  /// Where the row stands, for messages: "file.json: row 12 (line 97)" or "file.jsonl:1873".
  package var place: String

  package init(messages: [Message], tools: [JSON] = [], place: String = "conversation") {
    self.messages = messages
    self.tools = tools
    self.place = place
  }
}
