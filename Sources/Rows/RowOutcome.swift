package import Formats
package import Text

/// What became of one row on its way from a file to tokens.
package struct RowOutcome: Sendable {
  package let place: RowPlace
  /// The row as the file has it.
  package let json: JSON
  /// What it says, where it could be read and is not plain text or tokens.
  package let conversation: Conversation?
  /// Its tokens: one row, several where a long document was split, none where the row is refused.
  package let rows: [RenderedRow]
  /// Why it is refused, as a sentence.
  package let fault: String?

  package init(
    place: RowPlace, json: JSON, conversation: Conversation?, rows: [RenderedRow], fault: String?
  ) {
    self.place = place
    self.json = json
    self.conversation = conversation
    self.rows = rows
    self.fault = fault
  }
}
