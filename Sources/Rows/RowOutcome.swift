package import Formats
package import Text

/// What became of one row on its way from a file to tokens.
package struct RowOutcome: Sendable {
  package let place: RowPlace
  /// The row as the file has it.
  package let json: JSON
  /// What it says, where it could be read and is not plain text or tokens; of two answers, the chosen one.
  package private(set) var conversation: Conversation?
  /// The other of two answers.
  package private(set) var rejected: Conversation?
  /// Its tokens: one row, several where a long document was split or answers are compared, none where the row
  /// is refused.
  package private(set) var rows: [RenderedRow] = []
  /// Why it is refused, as a sentence.
  package private(set) var fault: String?
  /// How that is sorted.
  private(set) var faultKind = RowFindingKind.refusedRow
  /// Members that say something and are not used.
  package private(set) var unusedKeys: [String] = []
  /// Texts that no template is put around, and whose they are: "user", "assistant", or "text" for documents.
  package private(set) var plainTexts: [(role: String, text: String)] = []
  /// Why it cannot be learnt by itself, where its answers are to be compared.
  package private(set) var needsComparison: String?

  package init(
    place: RowPlace, json: JSON, conversation: Conversation?, rows: [RenderedRow], fault: String?
  ) {
    self.place = place
    self.json = json
    self.conversation = conversation
    self.rows = rows
    self.fault = fault
  }

  /// A place in a file where a row should stand.
  init(malformed fault: RowFault, at place: RowPlace) {
    self.init(place: place, json: .null, conversation: nil, rows: [], fault: fault.sentence)
    faultKind = fault.kind
  }

  /// Whether there is no row at its place that could be read at all.
  package var isMalformed: Bool { fault != nil && faultKind == .malformedRow }

  /// Reads a row and, with a renderer, makes tokens of it.
  init(_ json: JSON, at place: RowPlace, _ reader: RowReader, _ renderer: Renderer?) {
    self.init(place: place, json: json, conversation: nil, rows: [], fault: nil)
    do throws(RowFault) {
      var row = try reader.read(json)
      row.content.setPlace(place.description)
      let conversations = row.content.conversations
      conversation = conversations.first
      rejected = conversations.count > 1 ? conversations[1] : nil
      unusedKeys = row.unused
      plainTexts = row.content.plainTexts
      needsComparison = row.content.needsComparison
      if let renderer { rows = try renderer.rows(of: row, at: place.description) }
    } catch {
      (fault, faultKind) = (error.sentence, error.kind)
    }
  }
}

extension RowContent {
  fileprivate mutating func setPlace(_ place: String) {
    switch self {
    case .conversation(var conversation):
      conversation.place = place
      self = .conversation(conversation)
    case .labelled(var conversation, let isGood):
      conversation.place = place
      self = .labelled(conversation, isGood: isGood)
    case .preference(var chosen, var rejected):
      (chosen.place, rejected.place) = (place, place)
      self = .preference(chosen: chosen, rejected: rejected)
    case .completion, .document, .tokens: break
    }
  }
}
