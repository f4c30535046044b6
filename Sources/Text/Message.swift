package import Formats

/// One turn of a conversation: who speaks, and everything else that the row says of it.
package struct Message: Equatable, Sendable {
  /// "system", "user", "assistant", "tool", or what else a template knows.
  package var role: String
  /// The other keys as templates know them: "content", "reasoning_content", "tool_calls", "name"… in the
  /// row's order. Of nulls only that of "content" is kept, for templates that ask for it.
  package var body: JSONObject
  /// Calls as text, for templates that have no place for calls: as the row wrote them, if it wrote text.
  package var writtenCalls: String?
  /// How much the turn counts in the loss; 0: it is not learnt.
  package var weight: Float = 1

  /// A turn as the row has it.
  package init(role: String, body: JSONObject) {
    self.role = role
    self.body = body
  }

  package init(
    role: String, content: String, reasoning: String? = nil, toolCalls: [JSON] = [],
    toolCallText: String? = nil, toolCallID: String? = nil, name: String? = nil,
    isTrained: Bool = true
  ) {
    var members: [(key: String, value: JSON)] = [("content", .string(content))]
    if let reasoning { members.append(("reasoning_content", .string(reasoning))) }
    if !toolCalls.isEmpty { members.append(("tool_calls", .array(toolCalls))) }
    if let toolCallID { members.append(("tool_call_id", .string(toolCallID))) }
    if let name { members.append(("name", .string(name))) }
    self.init(role: role, body: JSONObject(members))
    writtenCalls = toolCallText
    weight = isTrained ? 1 : 0
  }

  package static func == (a: Message, b: Message) -> Bool {
    a.role == b.role && JSON.object(a.body) == .object(b.body) && a.writtenCalls == b.writtenCalls
      && a.weight == b.weight
  }

  package var isTrained: Bool { weight != 0 }

  /// The text; that of its parts, one behind the other; empty where there is none.
  package var content: String {
    get {
      guard let value = body["content"] else { return "" }
      return value.string ?? (value.array ?? []).compactMap { $0["text"]?.string }.joined()
    }
    set { body["content"] = .string(newValue) }
  }

  /// The names by which rows call what an assistant thought before it answered, as in transformers.
  package static let reasoningKeys = ["reasoning_content", "thinking", "reasoning"]

  /// What an assistant thought before it answered, without the marks around it.
  package var reasoning: String? { reasoningValue?.string }

  /// The same as the row has it.
  var reasoningValue: JSON? { Self.reasoningKeys.lazy.compactMap { body[$0] }.first }

  /// Calls that an assistant makes, usually `{"type": "function", "function": {"name", "arguments"}}`.
  package var toolCalls: [JSON] {
    get { body["tool_calls"]?.array ?? [] }
    set { body["tool_calls"] = newValue.isEmpty ? nil : .array(newValue) }
  }

  /// The calls as text: as the row wrote them, else one call a line.
  package var toolCallText: String {
    writtenCalls ?? toolCalls.map { ($0["function"] ?? $0).text(.python) }.joined(separator: "\n")
  }

  /// The content, and below it the tool calls as text.
  var contentWithToolCalls: String {
    [content, toolCallText].filter { !$0.isEmpty }.joined(separator: "\n")
  }
}
