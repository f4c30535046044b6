import Formats

/// How a row calls the fields of its format: by their own names, or as a mapping says.
struct MappedNames {
  let roleKey: String?
  let contentKey: String?
  let roles: [String: String]
  /// A row's name, or path of names such as "meta.question", and the field that it stands for.
  private var fields: [String: String] = [:]

  init(_ mapping: RowMapping) {
    roleKey = mapping.fields["role"]
    contentKey = mapping.fields["content"]
    roles = mapping.roles
    for (field, path) in mapping.fields { fields[path] = field }
    // What a prompt is filled with is what its question is about.
    for name in Self.names(in: mapping.prompt ?? "") where fields[name] == nil {
      fields[name] = "input"
    }
  }

  /// The field that stands at a path; a member of the row itself has its own name, if no other.
  func field(_ path: String, isMember: Bool) -> String? { fields[path] ?? (isMember ? path : nil) }

  /// Whether fields stand below a path.
  func hasFields(below path: String) -> Bool { fields.keys.contains { $0.hasPrefix(path + ".") } }

  /// The row's own name of a field, where it is a member of the row.
  func member(_ field: String) -> String {
    fields.filter { $0.value == field && !$0.key.contains(".") }.map(\.key).min() ?? field
  }

  /// The names in braces; a brace that is written twice is none.
  private static func names(in prompt: String) -> [String] {
    prompt.replacing("{{", with: "").split(separator: "{").dropFirst().compactMap { piece in
      piece.firstIndex(of: "}").map { String(piece[..<$0]) }
    }
  }
}
