import Formats
import Text

/// What is wrong with one row: found, expected.
struct RowFault: Error {
  let sentence: String

  init(_ sentence: String) { self.sentence = sentence }
}

/// Turns a row of a file into a conversation, or says why it is none.
struct RowReader {
  let format: RowFormat

  func conversation(from row: JSON) throws(RowFault) -> Conversation {
    guard let object = row.object else {
      throw RowFault("found \(row.kindName), expected an object")
    }
    var conversation =
      switch format {
      case .alpaca: try AlpacaRow(object: object).conversation()
      case .sharegpt: try ShareGPTRow(object: object).conversation()
      }
    conversation.tools = try ToolRow.tools(object["tools"])
    return conversation
  }
}

extension JSONObject {
  /// The text under the first of `names` that the row has; a null counts as absent.
  ///
  /// The first name is the format's own and wins. Several others at once would leave the choice to us.
  func text(_ names: String...) throws(RowFault) -> String? {
    func isPresent(_ name: String) -> Bool { self[name].map { !$0.isNull } ?? false }
    let present = names.filter(isPresent)
    guard let name = present.first else { return nil }
    guard present.count == 1 || name == names[0] else {
      let list = present.map { "\"\($0)\"" }.joined(separator: " and ")
      throw RowFault("found \(list), expected only one of them")
    }
    guard let value = self[name] else { return nil }
    guard let text = value.string else {
      throw RowFault("\"\(name)\" is \(value.kindName), expected a string")
    }
    return text
  }
}

extension String {
  /// Whether nothing but white space is in it.
  var isSpace: Bool { unicodeScalars.allSatisfy(\.properties.isWhitespace) }
}
