import Formats
import Text

/// Sorts rows that were refused by what is wrong with them. The row itself is looked at, not the sentence,
/// which is for people and may change.
enum RefusedRow {
  static func finding(_ outcome: RowOutcome, _ fault: String) -> RowFinding {
    RowFinding(kind(outcome, fault), outcome.place, fault, severity: .damage)
  }

  private static func kind(_ outcome: RowOutcome, _ fault: String) -> RowFindingKind {
    if RowFile.isAboutReading(fault) { return .malformedRow }
    if let conversation = outcome.conversation {
      return TurnOrder.fault(in: conversation) == nil ? .templateRefused : .roleOrder
    }
    guard let object = outcome.json.object else { return .wrongType }
    if let kind = kindOfTools(object["tools"]) { return kind }
    for name in ["system", "system_prompt"] {
      if let value = object[name], !value.isNull, value.string == nil { return .wrongType }
    }
    if let messages = object["conversations"] ?? object["messages"] {
      return kind(ofMessages: messages)
    }
    return kind(ofFields: object)
  }

  private static func kindOfTools(_ tools: JSON?) -> RowFindingKind? {
    guard let tools, !tools.isNull else { return nil }
    guard let list = parsed(tools) else { return .wrongType }
    if list.isNull { return nil }
    guard let elements = list.array else { return .wrongType }
    return elements.allSatisfy { ($0["function"] ?? $0)["name"]?.string != nil } ? nil : .wrongType
  }

  // MARK: Messages

  private static let roles: Set<String> = [
    "human", "user", "system", "developer", "gpt", "assistant", "chatgpt", "model", "bot",
    "function_call", "tool", "observation", "function", "ipython",
  ]

  private static func kind(ofMessages value: JSON) -> RowFindingKind {
    guard let messages = value.array else { return value.isNull ? .missingField : .wrongType }
    for message in messages {
      if let kind = kind(ofMessage: message) { return kind }
    }
    guard let last = messages.last else { return .missingField }
    let role = last["from"]?.string ?? last["role"]?.string ?? ""
    return ["human", "user", "system", "tool", "observation"].contains(role)
      ? .endsWithUser : .refusedRow
  }

  private static func kind(ofMessage message: JSON) -> RowFindingKind? {
    guard let object = message.object else { return .wrongType }
    guard let from = object["from"] ?? object["role"], !from.isNull else { return .missingField }
    guard let role = from.string else { return .wrongType }
    guard roles.contains(role) else { return .unknownRole }
    let content = object["value"] ?? object["content"]
    let calls = object["tool_calls"].flatMap { $0.isNull ? nil : $0 }
    if let calls, isBroken(calls) { return .brokenToolCall }
    if role == "function_call", let content, content.string != nil, isBroken(content) {
      return .brokenToolCall
    }
    guard let content, !content.isNull else { return calls == nil ? .missingField : nil }
    if let parts = content.array {
      return parts.allSatisfy { $0["text"]?.string != nil } ? nil : .wrongType
    }
    guard let text = content.string else { return .wrongType }
    let isAnswer = ["gpt", "assistant", "chatgpt", "model", "bot"].contains(role)
    return isAnswer && text.isSpace && calls == nil ? .emptyAnswer : nil
  }

  private static func isBroken(_ calls: JSON) -> Bool {
    guard let value = parsed(calls), !value.isNull else { return true }
    return (value.array ?? [value]).contains { call in
      let function = call["function"] ?? call
      guard function["name"]?.string != nil, let arguments = function["arguments"] else {
        return true
      }
      return parsed(arguments) == nil
    }
  }

  /// The value, read where it is JSON as text; nil where that text is no JSON.
  private static func parsed(_ value: JSON) -> JSON? {
    guard let text = value.string else { return value }
    return text.isSpace ? .null : try? JSONParser.parse(text)
  }

  // MARK: Fields

  private static let questions = ["instruction", "INSTRUCTION", "prompt", "question"]
  private static let answers = [
    "output", "response", "RESPONSE", "completion", "answer", "generation",
  ]

  private static func kind(ofFields object: JSONObject) -> RowFindingKind {
    func present(_ names: [String]) -> [JSON] {
      names.compactMap { object[$0] }.filter { !$0.isNull }
    }
    guard let question = present(questions).first, let answer = present(answers).first else {
      return .missingField
    }
    guard let asked = question.string, let said = answer.string else { return .wrongType }
    for name in ["input", "history"] {
      guard let value = object[name], !value.isNull else { continue }
      if name == "input", value.string == nil { return .wrongType }
      if name == "history", let kind = kind(ofHistory: value) { return kind }
    }
    if said.isSpace { return .emptyAnswer }
    return asked.isSpace ? .emptyQuestion : .refusedRow
  }

  private static func kind(ofHistory value: JSON) -> RowFindingKind? {
    guard let turns = value.array else { return .wrongType }
    for turn in turns {
      guard let pair = turn.array, pair.count == 2, pair[0].string != nil,
        let answer = pair[1].string
      else { return .wrongType }
      if answer.isSpace { return .emptyAnswer }
    }
    return nil
  }
}
