import Formats
import Text

/// `{prompt, completion}`: two texts, or two lists of messages of which the second is learnt.
struct CompletionRow {
  let chat: ChatRow

  func content(_ fields: inout RowFields) throws(RowFault) -> RowContent {
    guard let prompt = fields.value("prompt") else {
      throw RowFault(
        .missingField, "\"prompt\" is missing, expected a string or a list of messages")
    }
    guard let completion = fields.value("completion") else {
      throw RowFault(
        .missingField, "\"completion\" is missing, expected a string or a list of messages")
    }
    if let prompt = prompt.string, let completion = completion.string {
      guard !completion.isSpace else {
        throw RowFault(.emptyAnswer, "\"completion\" is empty, so there is nothing to learn")
      }
      return .completion(prompt: prompt, completion: completion)
    }
    return .conversation(try conversation(prompt, completion, &fields))
  }

  /// The messages of both lists, where those of the first are not learnt.
  func conversation(
    _ prompt: JSON, _ completion: JSON, _ fields: inout RowFields
  ) throws(RowFault) -> Conversation {
    var asked = try chat.messages(prompt, called: "prompt")
    for index in asked.indices { asked[index].weight = 0 }
    let answers = try chat.messages(completion, called: "completion")
    guard answers.contains(where: { $0.role == "assistant" }) else {
      throw RowFault(.missingField, "\"completion\" holds no message of role \"assistant\"")
    }
    var conversation = Conversation(messages: asked + answers)
    try chat.addTools(&fields, to: &conversation)
    return conversation
  }
}
