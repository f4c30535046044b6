import Formats
import Text

/// Turns a row of a file into what it says, or says why it is no row of its format.
struct RowReader {
  let source: RowSource
  /// Never `auto`.
  let format: RowFormat
  private let chat: ChatRow

  /// - Parameter format: That of the source, recognized where it says "auto".
  init(_ source: RowSource, format: RowFormat? = nil) {
    self.source = source
    self.format = format ?? source.format
    precondition(self.format != .auto, "a reader of no format")
    chat = ChatRow(reader: ChatMessage(source))
  }

  func read(_ row: JSON) throws(RowFault) -> ReadRow {
    guard let object = row.object else {
      throw RowFault(.wrongType, "found \(row.kindName), expected an object")
    }
    let (mapped, used) = try source.mapping.apply(to: object, format: format)
    var fields = RowFields(mapped)
    let weight = try fields.weight()
    var content = try content(&fields)
    content.setWeight(weight)
    return ReadRow(
      content: content, weight: weight, unused: fields.unused.filter { !used.contains($0) })
  }

  private func content(_ fields: inout RowFields) throws(RowFault) -> RowContent {
    switch format {
    case .auto: preconditionFailure("a reader of no format")
    case .alpaca: return .conversation(try AlpacaRow.conversation(&fields))
    case .sharegpt, .messages: return .conversation(try chat.conversation(&fields))
    case .completion: return try CompletionRow(chat: chat).content(&fields)
    case .text:
      guard let text = try fields.text(["text"]) else {
        throw RowFault(.missingField, "\"text\" is missing, expected a string")
      }
      guard !text.isSpace else {
        throw RowFault(.emptyAnswer, "\"text\" is empty, so there is nothing to learn")
      }
      return .document(text)
    case .tokens: return .tokens(try TokenizedRow(&fields))
    case .preference: return try PreferenceRow(chat: chat).content(&fields)
    case .kto: return try LabelledRow(chat: chat).content(&fields)
    }
  }
}

extension RowContent {
  fileprivate mutating func setWeight(_ weight: Float) {
    switch self {
    case .conversation(var conversation):
      conversation.weight = weight
      self = .conversation(conversation)
    case .labelled(var conversation, let isGood):
      conversation.weight = weight
      self = .labelled(conversation, isGood: isGood)
    case .preference(var chosen, var rejected):
      (chosen.weight, rejected.weight) = (weight, weight)
      self = .preference(chosen: chosen, rejected: rejected)
    case .completion, .document, .tokens: break
    }
  }
}
