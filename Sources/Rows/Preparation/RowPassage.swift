/// A text of a row, as it stands in the row's JSON.
struct RowPassage {
  enum Kind {
    /// What a user asks.
    case question
    /// What a question is about: Alpaca's "input".
    case material
    case answer, reasoning, call, system, result
    /// The text of a row without roles.
    case document
  }

  let kind: Kind
  let text: String

  /// How a report names it.
  var name: String {
    switch kind {
    case .question: "the user's text"
    case .material: "the input"
    case .answer: "the assistant's text"
    case .reasoning: "the assistant's reasoning"
    case .call: "a tool call"
    case .system: "the system prompt"
    case .result: "a tool's result"
    case .document: "the text"
    }
  }
}
