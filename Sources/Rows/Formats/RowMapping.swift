import Formats

/// How rows of a shape of their own are read as one of the known formats.
package struct RowMapping: Sendable, Equatable {
  /// A format's name of a field, and the row's: "instruction" → "question_text", or "meta.question".
  package var fields: [String: String]
  /// A row's name of a role, and the one that templates know: "customer" → "user".
  package var roles: [String: String]
  /// A text with names of fields in braces, which becomes the question: "Sum up: {article}".
  package var prompt: String?

  package init(
    fields: [String: String] = [:], roles: [String: String] = [:], prompt: String? = nil
  ) {
    self.fields = fields
    self.roles = roles
    self.prompt = prompt
  }

  /// The fields that some format has.
  package static let names = [
    "instruction", "input", "output", "system", "history", "conversations", "messages", "tools",
    "role", "content", "prompt", "completion", "text", "input_ids", "labels", "chosen", "rejected",
    "label", "weight",
  ]

  /// The row under the names of its format, and which of its members that took.
  func apply(to row: JSONObject, format: RowFormat) throws(RowFault) -> (JSONObject, used: [String])
  {
    var (result, used) = (row, [String]())
    for (name, column) in fields.sorted(by: { $0.key < $1.key })
    where name != "role" && name != "content" {
      guard let value = Self.value(column, of: row) else { continue }
      used.append(Self.first(column, of: row))
      result[name] = value
    }
    // A renamed field does not stand there under its old name as well.
    for column in fields.values where !fields.keys.contains(column) { result[column] = nil }
    if let prompt {
      let (text, columns) = try Self.fill(prompt, from: row)
      // What the prompt shows is not shown a second time as a field of the format.
      for column in columns where !fields.keys.contains(column) { result[column] = nil }
      result[format == .alpaca ? "instruction" : format == .text ? "text" : "prompt"] = .string(
        text)
      used += columns
    }
    return (result, used)
  }

  /// A member, or one of a member's: "meta.question".
  private static func value(_ path: String, of row: JSONObject) -> JSON? {
    if let value = row[path] { return value }
    var value = JSON.object(row)
    for part in path.split(separator: ".") {
      guard let next = value[String(part)] else { return nil }
      value = next
    }
    return value
  }

  private static func first(_ path: String, of row: JSONObject) -> String {
    row[path] == nil ? String(path.prefix { $0 != "." }) : path
  }

  /// A text with the names in its braces replaced by what the row has there; a brace is written twice.
  private static func fill(
    _ prompt: String, from row: JSONObject
  ) throws(RowFault) -> (String, columns: [String]) {
    var (text, columns) = ("", [String]())
    var rest = Substring(prompt)
    while let brace = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
      text += rest[..<brace]
      let behind = rest[rest.index(after: brace)...]
      if behind.first == rest[brace] {
        text.append(rest[brace])
        rest = behind.dropFirst()
        continue
      }
      guard rest[brace] == "{", let end = behind.firstIndex(of: "}") else {
        throw RowFault("\"prompt\" of the source has a single brace; write it twice")
      }
      let name = String(behind[..<end])
      guard let value = value(name, of: row), !value.isNull else {
        throw RowFault(
          .missingField, "\"\(name)\" is missing, which \"prompt\" of the source shows")
      }
      text += value.string ?? value.text()
      columns.append(first(name, of: row))
      rest = behind[behind.index(after: end)...]
    }
    return (text + rest, columns)
  }
}
