import Formats

/// Changes texts inside the JSON of a row; keys, their order and everything else stay.
///
/// Texts are known by the names that the formats give them, so that one walk serves all formats.
struct RowTextEditor {
  private let names: MappedNames
  private let change: (RowPassage) -> String?
  private var isChanged = false

  /// - Parameters:
  ///   - mapping: How the row calls the fields of its format.
  ///   - change: A text's new words; nil leaves it alone.
  /// - Returns: nil where nothing changed.
  static func changed(
    _ row: JSON, mapping: RowMapping = RowMapping(), _ change: (RowPassage) -> String?
  ) -> JSON? {
    withoutActuallyEscaping(change) { change -> JSON? in
      var editor = RowTextEditor(names: MappedNames(mapping), change: change)
      let result = editor.row(row, path: "")
      // Not with "?:", where nil would be the JSON value null.
      guard editor.isChanged else { return nil }
      return result
    }
  }

  /// The texts of a row, in the order of its members.
  static func texts(of row: JSON, mapping: RowMapping = RowMapping()) -> [RowPassage] {
    var texts: [RowPassage] = []
    _ = changed(row, mapping: mapping) { text in
      texts.append(text)
      return nil
    }
    return texts
  }

  private init(names: MappedNames, change: @escaping (RowPassage) -> String?) {
    self.names = names
    self.change = change
  }

  // MARK: Members of a row

  private static let kinds: [String: RowPassage.Kind] = [
    "instruction": .question, "INSTRUCTION": .question, "question": .question, "prompt": .question,
    "input": .material, "query": .material, "output": .answer, "response": .answer,
    "RESPONSE": .answer, "completion": .answer, "answer": .answer, "generation": .answer,
    "chosen": .answer, "rejected": .answer, "chosen_response": .answer,
    "rejected_response": .answer, "system": .system, "system_prompt": .system,
    "text": .document,
  ]

  /// - Parameter path: Of the object, with a dot behind it; empty for the row itself.
  private mutating func row(_ json: JSON, path: String) -> JSON {
    mapMembers(json) { editor, key, value in
      let path = path + key
      if let field = editor.names.field(path, isMember: path == key) {
        let changed = editor.member(field, value)
        if changed != value { return changed }
      }
      return editor.names.hasFields(below: path) ? editor.row(value, path: path + ".") : value
    }
  }

  private mutating func member(_ field: String, _ value: JSON) -> JSON {
    switch field {
    case "conversations", "messages": return messages(value)
    case "history": return turns(value)
    default:
      guard let kind = Self.kinds[field] else { return value }
      // Prompts and both answers of a preference may also be messages.
      return value.string == nil ? messages(value) : text(value, kind)
    }
  }

  private mutating func messages(_ json: JSON) -> JSON {
    guard json.array != nil else { return message(json) }
    return mapElements(json) { editor, _, element in editor.message(element) }
  }

  /// A list of [question, answer].
  private mutating func turns(_ json: JSON) -> JSON {
    mapElements(json) { editor, _, turn in
      editor.mapElements(turn) { editor, index, text in
        editor.text(text, index == 0 ? .question : .answer)
      }
    }
  }

  // MARK: Members of a message

  private mutating func message(_ json: JSON) -> JSON {
    let name = (names.roleKey.flatMap { json[$0] } ?? json["role"] ?? json["from"])?.string ?? ""
    let kind = Self.kind(ofRole: names.roles[name] ?? name)
    return mapMembers(json) { editor, key, value in
      switch key == editor.names.contentKey ? "content" : key {
      case "value", "content":
        if kind == .call { return editor.arguments(value) }
        return value.array == nil ? editor.text(value, kind) : editor.parts(value, kind)
      case "reasoning_content", "thinking", "reasoning": return editor.text(value, .reasoning)
      case "tool_calls", "function_call": return editor.arguments(value)
      default: return value
      }
    }
  }

  private static func kind(ofRole role: String) -> RowPassage.Kind {
    switch role {
    case "human", "user": .question
    case "system", "developer": .system
    case "gpt", "assistant", "chatgpt", "model", "bot": .answer
    case "function_call": .call
    case "tool", "observation", "function", "ipython": .result
    default: .document
    }
  }

  private mutating func parts(_ json: JSON, _ kind: RowPassage.Kind) -> JSON {
    mapElements(json) { editor, _, part in
      editor.mapMembers(part) { editor, key, value in
        key == "text" ? editor.text(value, kind) : value
      }
    }
  }

  // MARK: Calls

  /// Every text of calls, inside JSON that is written as text as well. What becomes of a number is a text.
  private mutating func arguments(_ json: JSON) -> JSON {
    switch json {
    case .array: return mapElements(json) { editor, _, value in editor.arguments(value) }
    case .object:
      return mapMembers(json) { editor, key, value in
        key == "type" || key == "id" ? value : editor.arguments(value)
      }
    case .string(let text):
      guard let inner = Self.structure(text) else { return self.text(json, .call) }
      let changed = arguments(inner)
      return changed == inner ? json : .string(changed.text(.python))
    case .integer, .number:
      let text = JSON.string(json.text())
      let changed = self.text(text, .call)
      return changed == text ? json : changed
    case .null, .bool: return json
    }
  }

  /// What a text holds, where that is a JSON object or list.
  private static func structure(_ text: String) -> JSON? {
    guard let first = text.utf8.first(where: { $0 > 0x20 }), "{[".utf8.contains(first) else {
      return nil
    }
    return try? JSONParser.parse(text)
  }

  // MARK: One text, and what holds texts

  private mutating func text(_ json: JSON, _ kind: RowPassage.Kind) -> JSON {
    guard let text = json.string, !text.isEmpty,
      let changed = change(RowPassage(kind: kind, text: text)),
      !changed.utf8.elementsEqual(text.utf8)
    else { return json }
    isChanged = true
    return .string(changed)
  }

  private mutating func mapMembers(
    _ json: JSON, _ map: (inout RowTextEditor, String, JSON) -> JSON
  ) -> JSON {
    guard let object = json.object else { return json }
    return .object(JSONObject(object.members.map { ($0.key, map(&self, $0.key, $0.value)) }))
  }

  private mutating func mapElements(
    _ json: JSON, _ map: (inout RowTextEditor, Int, JSON) -> JSON
  ) -> JSON {
    guard let elements = json.array else { return json }
    return .array(elements.enumerated().map { map(&self, $0.offset, $0.element) })
  }
}
