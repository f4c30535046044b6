import Text

/// What a row says.
enum RowContent {
  case conversation(Conversation)
  /// Texts that no template is put around.
  case completion(prompt: String, completion: String)
  case document(String)
  case tokens(TokenizedRow)
  case preference(chosen: Conversation, rejected: Conversation)
  case labelled(Conversation, isGood: Bool)

  /// The conversations in it.
  var conversations: [Conversation] {
    switch self {
    case .conversation(let conversation), .labelled(let conversation, _): [conversation]
    case .preference(let chosen, let rejected): [chosen, rejected]
    case .completion, .document, .tokens: []
    }
  }

  /// Texts that no template is put around, and whose they are.
  var plainTexts: [(role: String, text: String)] {
    switch self {
    case .completion(let prompt, let completion): [("user", prompt), ("assistant", completion)]
    case .document(let text): [("text", text)]
    case .conversation, .preference, .labelled, .tokens: []
    }
  }

  /// Why rows of this kind cannot be learnt by themselves; nil where they can.
  var needsComparison: String? {
    switch self {
    case .preference:
      "the row has a chosen and a rejected answer; to learn only the chosen one, name the format \"alpaca\" with "
        + "{\"fields\": {\"instruction\": \"prompt\", \"output\": \"chosen\"}}, or \"messages\" with "
        + "{\"fields\": {\"messages\": \"chosen\"}}"
    case .labelled:
      "the row has an answer that is good or not; to learn all of them, name the format \"completion\""
    default: nil
    }
  }
}

/// A row as its format reads it.
struct ReadRow {
  var content: RowContent
  /// How much it counts in the loss.
  var weight: Float
  /// Members that say something and are not used.
  var unused: [String]
}
