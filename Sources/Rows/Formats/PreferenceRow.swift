import Formats
import Text

/// `{prompt?, chosen, rejected}`: two answers to the same, as texts, messages or whole conversations.
struct PreferenceRow {
  let chat: ChatRow

  func content(_ fields: inout RowFields) throws(RowFault) -> RowContent {
    guard let chosen = try fields.value(of: ["chosen", "chosen_response"])?.value else {
      throw RowFault(.missingField, "\"chosen\" is missing, expected the better answer")
    }
    guard let rejected = try fields.value(of: ["rejected", "rejected_response"])?.value else {
      throw RowFault(.missingField, "\"rejected\" is missing, expected the worse answer")
    }
    let prompt = try fields.value(of: [
      "prompt", "instruction", "question", "messages", "conversations",
    ])
    let asked =
      if let prompt { try messages(prompt.value, prompt.name, answersWith: "user") } else {
        [Message]()
      }
    let good = try answer(chosen, "chosen", asked)
    let bad = try answer(rejected, "rejected", asked)
    guard good != bad else {
      throw RowFault("\"chosen\" and \"rejected\" are the same, so there is nothing to prefer")
    }
    // Without a prompt it is what both have in common.
    let common = zip(good, bad).prefix { $0 == $1 }.count
    let system = try fields.text(["system", "system_prompt"])
    var conversations: [Conversation] = []
    for messages in [good, bad] {
      var conversation = Conversation(messages: messages)
      for index in messages.indices.prefix(max(common, asked.count)) {
        conversation.messages[index].weight = 0
      }
      try chat.addSystem(system, to: &conversation)
      try chat.addTools(&fields, to: &conversation)
      conversations.append(conversation)
    }
    return .preference(chosen: conversations[0], rejected: conversations[1])
  }

  /// An answer behind what was asked, or a whole conversation that begins with it.
  private func answer(
    _ value: JSON, _ name: String, _ asked: [Message]
  ) throws(RowFault) -> [Message] {
    let messages = try messages(value, name, answersWith: "assistant")
    guard messages.last?.role == "assistant" else {
      throw RowFault("\"\(name)\" does not end with an answer of the assistant")
    }
    let isWhole = messages.count > asked.count && Array(messages.prefix(asked.count)) == asked
    return isWhole && !asked.isEmpty ? messages : asked + messages
  }

  /// A text of one speaker, a message, or a list of messages.
  private func messages(
    _ value: JSON, _ name: String, answersWith role: String
  ) throws(RowFault) -> [Message] {
    if let text = value.string {
      guard !text.isSpace else { throw RowFault(.emptyAnswer, "\"\(name)\" is empty") }
      return [Message(role: role, content: text)]
    }
    return try chat.messages(value.object == nil ? value : .array([value]), called: name)
  }
}

/// `{prompt, completion, label}`: an answer and whether it is good; or a conversation with its label.
struct LabelledRow {
  let chat: ChatRow

  func content(_ fields: inout RowFields) throws(RowFault) -> RowContent {
    guard let (name, label) = try fields.value(of: ["label", "kto_tag"]) else {
      throw RowFault(.missingField, "\"label\" is missing, expected true or false")
    }
    guard let isGood = label.bool else {
      throw RowFault(.wrongType, "\"\(name)\" is \(label.kindName), expected true or false")
    }
    guard let prompt = fields.value("prompt") else {
      return .labelled(try chat.conversation(&fields), isGood: isGood)
    }
    guard let completion = fields.value("completion") else {
      throw RowFault(.missingField, "\"completion\" is missing, expected the answer")
    }
    func list(_ value: JSON, _ role: String) -> JSON {
      value.string == nil ? value : [["role": .string(role), "content": value]]
    }
    let conversation = try CompletionRow(chat: chat).conversation(
      list(prompt, "user"), list(completion, "assistant"), &fields)
    return .labelled(conversation, isGood: isGood)
  }
}
