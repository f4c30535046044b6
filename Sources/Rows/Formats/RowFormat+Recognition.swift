import Formats

extension RowFormat {
  /// Rows that are looked at to recognize a format.
  static let rowsLookedAt = 100

  /// The format that all of some rows have.
  ///
  /// - Throws: A `Problem` that says what the rows look like, where they have none or several.
  static func recognized(
    _ rows: [JSON], of path: String, mapping: RowMapping
  ) throws(Problem) -> RowFormat {
    var found: [(format: RowFormat, row: Int)] = []
    for (index, row) in rows.enumerated() {
      guard let format = format(of: row, mapping) else { continue }
      if !found.contains(where: { $0.format == format }) { found.append((format, index)) }
    }
    guard let first = found.first else {
      let keys = rows.lazy.compactMap(\.object?.keys).first ?? []
      let saw =
        keys.isEmpty ? "rows that are no objects" : keys.map { "\"\($0)\"" }.joined(separator: ", ")
      throw Problem(
        path,
        rows.isEmpty
          ? "there are no rows in it to recognize a format from; name the format"
          : "the format of the rows cannot be recognized, found \(saw); name the format, or say with \"fields\" "
            + "what they are")
    }
    // Both forms of a conversation have one reader.
    if found.allSatisfy({ [.messages, .sharegpt].contains($0.format) }) { return first.format }
    guard found.count == 1 else {
      throw Problem(
        path,
        "rows look like several formats: row \(first.row + 1) like \"\(first.format.rawValue)\", row "
          + "\(found[1].row + 1) like \"\(found[1].format.rawValue)\"; name the format, or divide the file"
      )
    }
    return first.format
  }

  /// What one row looks like; nil: like nothing known.
  private static func format(of row: JSON, _ mapping: RowMapping) -> RowFormat? {
    guard let row = row.object else { return nil }
    var names = row.members.filter { !$0.value.isNull }.map(\.key)
    names += mapping.fields.filter { row[$0.value] != nil || $0.value.contains(".") }.map(\.key)
    func has(_ choices: String...) -> Bool { choices.contains { names.contains($0) } }
    func has(_ choices: [String]) -> Bool { choices.contains { names.contains($0) } }
    if has("input_ids") { return .tokens }
    if has("chosen", "chosen_response"), has("rejected", "rejected_response") { return .preference }
    let isChat = has("messages", "conversations")
    if has("kto_tag") || row["label"]?.bool != nil, isChat || has("completion") { return .kto }
    if isChat {
      let list = row["messages"] ?? row["conversations"]
      return list?.array?.first?["from"] == nil ? .messages : .sharegpt
    }
    if has("instruction", "INSTRUCTION", "Instruction", "question") || mapping.prompt != nil,
      has(AlpacaRow.output)
    {
      return .alpaca
    }
    if has("prompt"), has("completion") { return .completion }
    if has("prompt"), has(AlpacaRow.output) { return .alpaca }
    return has("text") ? .text : nil
  }
}
