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
  var findsToolCalls: Bool {
    let answer = Message(role: "assistant", content: "", toolCalls: [Self.probeCall(Self.mark)])
    return shows([Self.question, answer], Self.probeTool(named: "name"))
      ?? shows([Self.question, answer], nil) ?? mentions("tool_calls")
  }

  /// Whether the template shows the thoughts of an answer at the end of a conversation.
  var findsReasoning: Bool {
    let answer = Message(role: "assistant", content: "answer", reasoning: Self.mark)
    return shows([Self.question, answer], nil) ?? mentions("reasoning")
  }

  /// Whether the mark is in the text of a conversation; nil where the template refuses it.
  private func shows(_ messages: [Message], _ tool: JSON?) -> Bool? {
    var extra: [String: JSON] = [:]
    for name in ["bos", "eos", "unk", "sep", "pad", "cls", "mask"] { extra["\(name)_token"] = "" }
    if let tool { extra["tools"] = [tool] }
    let text = try? render(messages: messages, extra: extra)
    return text.map { PythonString.contains($0, Self.mark) }
  }

  private func mentions(_ name: String) -> Bool { PythonString.contains(source, name) }
}
