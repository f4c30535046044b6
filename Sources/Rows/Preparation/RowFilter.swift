import Formats
package import Text

/// Which rows are wanted, by their length and by what their texts say.
package struct RowFilter: Sendable {
  package var minTokens: Int?
  package var maxTokens: Int?
  package var minCharacters: Int?
  package var maxCharacters: Int?
  /// Each has to stand in some text of the row.
  package var keep: [SearchPattern] = []
  /// None may stand in a text of the row.
  package var remove: [SearchPattern] = []

  package init() {}

  /// Whether rows are measured in tokens, for which they have to be rendered.
  package var needsTokens: Bool { minTokens != nil || maxTokens != nil }

  /// Why a row is not wanted; nil: it is.
  func rejection(of row: CheckedRow) throws(Problem) -> RowChange? {
    func dropped(_ rule: String, _ reason: String) -> RowChange {
      RowChange(row.place, rule, .dropped, reason)
    }
    if needsTokens {
      let count = row.outcome.rows.reduce(0) { $0 + $1.ids.count }
      if let minTokens, count < minTokens {
        return dropped("min-tokens", "\(count) tokens are less than \(minTokens)")
      }
      if let maxTokens, count > maxTokens {
        return dropped("max-tokens", "\(count) tokens are more than \(maxTokens)")
      }
    }
    let texts = row.texts
    let isMeasured = minCharacters != nil || maxCharacters != nil
    // Every byte but those that continue a character.
    let count = isMeasured ? texts.reduce(0) { $0 + $1.bytes.count { $0 & 0xC0 != 0x80 } } : 0
    if let minCharacters, count < minCharacters {
      return dropped("min-characters", "\(count) characters are less than \(minCharacters)")
    }
    if let maxCharacters, count > maxCharacters {
      return dropped("max-characters", "\(count) characters are more than \(maxCharacters)")
    }
    for pattern in keep where try !Self.stands(pattern, in: texts) {
      return dropped("keep", "\"\(pattern.source)\" stands in no text of the row")
    }
    for pattern in remove where try Self.stands(pattern, in: texts) {
      return dropped("remove", "\"\(pattern.source)\" stands in a text of the row")
    }
    return nil
  }

  private static func stands(
    _ pattern: SearchPattern, in texts: [CheckedText]
  ) throws(Problem) -> Bool {
    for text in texts where try pattern.matches(text.bytes) { return true }
    return false
  }

  /// What was asked for.
  var json: JSON {
    var object = JSONObject()
    object["min_tokens"] = minTokens.map(JSON.integer)
    object["max_tokens"] = maxTokens.map(JSON.integer)
    object["min_characters"] = minCharacters.map(JSON.integer)
    object["max_characters"] = maxCharacters.map(JSON.integer)
    object["keep"] = .array(keep.map { .string($0.source) })
    object["remove"] = .array(remove.map { .string($0.source) })
    return .object(object)
  }
}
