import Formats
import Text

/// `{instruction, input?, output, system?, history?}`, or the same under names of related formats.
enum AlpacaRow {
  /// The names of each field; the first is the format's own.
  static let instruction = ["instruction", "INSTRUCTION", "Instruction", "prompt", "question"]
  static let input = ["input", "Input", "context", "article"]
  static let output = [
    "output", "Output", "response", "RESPONSE", "Response", "completion", "answer", "generation",
  ]

  static func conversation(_ fields: inout RowFields) throws(RowFault) -> Conversation {
    guard let instruction = try fields.text(instruction) else {
      throw RowFault(.missingField, "\"instruction\" is missing, expected a string")
    }
    guard let output = try fields.text(output) else {
      throw RowFault(.missingField, "\"output\" is missing, expected a string")
    }
    let input = try fields.text(input) ?? ""
    guard !instruction.isSpace || !input.isSpace else {
      throw RowFault(
        .emptyQuestion, "\"instruction\" is empty, expected what the assistant is asked")
    }
    guard !output.isSpace else {
      throw RowFault(.emptyAnswer, "\"output\" is empty, so there is nothing to learn")
    }
    let user = input.isEmpty ? instruction : instruction + "\n\n" + input
    var messages = try earlierTurns(fields.value("history"))
    messages.append(Message(role: "user", content: user))
    messages.append(Message(role: "assistant", content: output))
    if let system = try fields.text(["system", "system_prompt"]), !system.isEmpty {
      messages.insert(Message(role: "system", content: system), at: 0)
    }
    var conversation = Conversation(messages: messages)
    let padding = NullPadding(tools: try ToolRow.tools(fields.value("tools"), "tools"))
    conversation.tools = padding.tools
    conversation.remarks = padding.remarks
    return conversation
  }

  /// `history`: a list of [question, answer] that came before.
  private static func earlierTurns(_ history: JSON?) throws(RowFault) -> [Message] {
    guard let history else { return [] }
    guard let turns = history.array else {
      throw RowFault(.wrongType, "\"history\" is \(history.kindName), expected a list")
    }
    var messages: [Message] = []
    for turn in turns {
      guard let pair = turn.array, pair.count == 2, let question = pair[0].string,
        let answer = pair[1].string
      else {
        throw RowFault(.wrongType, "\"history\" holds something else than [question, answer]")
      }
      guard !answer.isSpace else {
        throw RowFault(.emptyAnswer, "\"history\" holds an empty answer")
      }
      messages.append(Message(role: "user", content: question))
      messages.append(Message(role: "assistant", content: answer))
    }
    return messages
  }
}
