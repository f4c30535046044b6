package import Formats

/// What a row of training data says, independent of its format and of any model's template.
package struct Conversation: Sendable {
  package var messages: [Message]
  /// Tools that the assistant may call, each `{"type": "function", "function": {…}}`.
  package var tools: [JSON]
  /// Where the row stands, for messages: "file.json: row 12 (line 97)" or "file.jsonl:1873".
  package var place: String
  /// How much all of it counts in the loss, besides what single messages say.
  package var weight: Float = 1
  /// What of the row is not taken as it is, as sentences.
  package var remarks: [String] = []
  /// Questions at the end that nobody answers; they are not in `messages`.
  package var openQuestions = 0

  package init(messages: [Message], tools: [JSON] = [], place: String = "conversation") {
    self.messages = messages
    self.tools = tools
    self.place = place
  }
}
