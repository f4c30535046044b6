extension JSON {
  package enum Layout: Sendable {
    /// `{"a":1,"b":2}`: one line, for JSON Lines and pipes.
    case compact
    /// `{"a": 1, "b": 2}`: one line with Python's default separators, as `json.dumps` writes it.
    case python
    /// Two spaces a level, one member a line, for files that people read.
    case indented
  }

  /// The JSON text of this value. Numbers print in the shortest form that reads back exactly.
  /// `sortedKeys` orders members by key, as PEFT writes `adapter_config.json`.
  package func text(_ layout: Layout = .compact, sortedKeys: Bool = false) -> String {
    var out = ""
    write(to: &out, layout: layout, sortedKeys: sortedKeys, level: 0)
    return out
  }

  private func write(to out: inout String, layout: Layout, sortedKeys: Bool, level: Int) {
    switch self {
    case .null: out += "null"
    case .bool(let value): out += value ? "true" : "false"
    case .integer(let value): out += String(value)
    case .number(let value): out += value.isFinite ? String(value) : "null"
    case .string(let value): Self.quote(value, into: &out)
    case .array(let elements):
      Self.list(elements, "[", "]", layout, level, &out) { element, out in
        element.write(to: &out, layout: layout, sortedKeys: sortedKeys, level: level + 1)
      }
    case .object(let object):
      let members =
        sortedKeys
        ? object.members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        : object.members
      Self.list(members, "{", "}", layout, level, &out) { member, out in
        Self.quote(member.key, into: &out)
        out += layout == .compact ? ":" : ": "
        member.value.write(to: &out, layout: layout, sortedKeys: sortedKeys, level: level + 1)
      }
    }
  }

  private static func list<Element>(
    _ elements: [Element], _ open: String, _ close: String, _ layout: Layout, _ level: Int,
    _ out: inout String, _ write: (Element, inout String) -> Void
  ) {
    out += open
    for (index, element) in elements.enumerated() {
      if index > 0 { out += layout == .python ? ", " : "," }
      if layout == .indented { out += "\n" + String(repeating: "  ", count: level + 1) }
      write(element, &out)
    }
    if layout == .indented, !elements.isEmpty {
      out += "\n" + String(repeating: "  ", count: level)
    }
    out += close
  }

  private static func quote(_ string: String, into out: inout String) {
    out += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case "\u{0}"..<"\u{20}", "\u{7F}":
        let digits = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    out += "\""
  }
}
