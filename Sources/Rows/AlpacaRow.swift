import Formats
import Text

/// `{instruction, input?, output, system?, history?}`, or the same under names of related formats.
struct AlpacaRow {
  let object: JSONObject

  func conversation() throws(RowFault) -> Conversation {
    guard let instruction = try object.text("instruction", "INSTRUCTION", "prompt", "question")
    else {
      throw RowFault("\"instruction\" is missing, expected a string")
    }
    let names = ("output", "response", "RESPONSE", "completion", "answer", "generation")
    guard
      let output = try object.text(names.0, names.1, names.2, names.3, names.4, names.5)
    else { throw RowFault("\"output\" is missing, expected a string") }
    let input = try object.text("input") ?? ""
    guard !instruction.isSpace || !input.isSpace else {
      throw RowFault("\"instruction\" is empty, expected what the assistant is asked")
    }
    guard !output.isSpace else {
      throw RowFault("\"output\" is empty, so there is nothing to learn")
    }
    let user = input.isEmpty ? instruction : instruction + "\n\n" + input
    var messages = try earlierTurns()
    messages.append(Message(role: "user", content: user))
    messages.append(Message(role: "assistant", content: output))
    if let system = try object.text("system", "system_prompt"), !system.isEmpty {
      messages.insert(Message(role: "system", content: system), at: 0)
    }
    return Conversation(messages: messages)
  }

  /// `history`: a list of [question, answer] that came before.
  private func earlierTurns() throws(RowFault) -> [Message] {
    guard let history = object["history"], !history.isNull else { return [] }
    guard let turns = history.array else {
      throw RowFault("\"history\" is \(history.kindName), expected a list")
    }
    var messages: [Message] = []
    for turn in turns {
      guard let pair = turn.array, pair.count == 2, let question = pair[0].string,
        let answer = pair[1].string
      else { throw RowFault("\"history\" holds something else than [question, answer]") }
      guard !answer.isSpace else { throw RowFault("\"history\" holds an empty answer") }
      messages.append(Message(role: "user", content: question))
      messages.append(Message(role: "assistant", content: answer))
    }
    return messages
  }
}
