package import Formats

/// System prompts that mean the same: each row gets one of them. A row with a prompt of its own, one that is
/// not in the list, keeps it.
package struct SystemPromptVariants: Sendable {
  let prompts: [String]

  /// - Parameter path: A `.json` file with a list of texts; of any other file, each line is one.
  package init(path: String) throws(Problem) {
    if path.lowercased().hasSuffix(".json") {
      let list = try readJSON(path)
      let texts = list.array?.compactMap(\.string) ?? []
      guard !texts.isEmpty, texts.count == list.array?.count else {
        throw Problem(path, "found something else, expected a list of system prompts, each a text")
      }
      prompts = texts
    } else {
      guard let text = String(validating: try readFile(path), as: UTF8.self) else {
        throw Problem(path, "the file is not UTF-8; expected one system prompt a line")
      }
      prompts = text.split(whereSeparator: \.isNewline).map(String.init).filter { !$0.isSpace }
    }
    guard !prompts.isEmpty, prompts.allSatisfy({ !$0.isSpace }) else {
      throw Problem(path, "found no text or an empty one, expected system prompts")
    }
  }

  init(_ prompts: [String]) { self.prompts = prompts }

  /// The row with one of the prompts; nil where it has its own, or no place for one.
  func applied(
    to row: JSON, of source: RowSource, _ numbers: inout SeededNumbers
  ) -> (row: JSON, edit: TextEdit)? {
    let prompt = prompts[numbers.below(prompts.count)]
    let own = RowTextEditor.texts(of: row, mapping: source.mapping).filter { $0.kind == .system }
    guard own.allSatisfy({ isVariant($0.text) }) else { return nil }
    let before = own.first?.text ?? ""
    let changed =
      own.isEmpty
      ? Self.adding(prompt, to: row, of: source)
      : RowTextEditor.changed(row, mapping: source.mapping) { $0.kind == .system ? prompt : nil }
    return changed.map { ($0, TextEdit("the system prompt", before: before, after: prompt)) }
  }

  private func isVariant(_ text: String) -> Bool {
    prompts.contains { $0.utf8.elementsEqual(text.utf8) }
  }

  /// Adds it where the format has its place; nil where there is none, as in plain text.
  private static func adding(_ prompt: String, to row: JSON, of source: RowSource) -> JSON? {
    let names = MappedNames(source.mapping)
    var row = row
    for key in ["messages", "conversations", "prompt"].map(names.member) {
      guard var messages = row[key]?.array else { continue }
      messages.insert(message(prompt, like: messages.first, names), at: 0)
      row.set(key, .array(messages))
      return row
    }
    // Other formats have no system prompt beside a question that is a text.
    guard row.object != nil, source.format == .alpaca || source.format == .preference else {
      return nil
    }
    // An empty one is no prompt yet.
    let key = row["system_prompt"] == nil ? names.member("system") : "system_prompt"
    row.set(key, .string(prompt))
    return row
  }

  private static func message(_ prompt: String, like first: JSON?, _ names: MappedNames) -> JSON {
    let isShareGPT = first?["from"] != nil && first?["role"] == nil
    return .object(
      JSONObject([
        (names.roleKey ?? (isShareGPT ? "from" : "role"), .string("system")),
        (names.contentKey ?? (isShareGPT ? "value" : "content"), .string(prompt)),
      ]))
  }
}
