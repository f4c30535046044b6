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
    var out = JSONOutput(layout: layout, sortedKeys: sortedKeys)
    out.write(self, level: 0)
    return String(decoding: out.bytes, as: UTF8.self)
  }
}

/// The text of JSON values as it grows.
private struct JSONOutput {
  let layout: JSON.Layout
  let sortedKeys: Bool
  var bytes: [UInt8] = []

  init(layout: JSON.Layout, sortedKeys: Bool) {
    self.layout = layout
    self.sortedKeys = sortedKeys
  }

  mutating func write(_ json: JSON, level: Int) {
    switch json {
    case .null: bytes += "null".utf8
    case .bool(let value): bytes += (value ? "true" : "false").utf8
    case .integer(let value): bytes += String(value).utf8
    case .number(let value): bytes += (value.isFinite ? String(value) : "null").utf8
    case .string(let value): quote(value)
    case .array(let elements):
      list(elements, "[", "]", level) { out, element in out.write(element, level: level + 1) }
    case .object(let object):
      let members =
        sortedKeys
        ? object.members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        : object.members
      list(members, "{", "}", level) { out, member in
        out.quote(member.key)
        out.bytes += (out.layout == .compact ? ":" : ": ").utf8
        out.write(member.value, level: level + 1)
      }
    }
  }

  private mutating func list<Element>(
    _ elements: [Element], _ open: Unicode.Scalar, _ close: Unicode.Scalar, _ level: Int,
    _ write: (inout JSONOutput, Element) -> Void
  ) {
    bytes.append(UInt8(ascii: open))
    for (index, element) in elements.enumerated() {
      if index > 0 { bytes += (layout == .python ? ", " : ",").utf8 }
      if layout == .indented { startLine(level + 1) }
      write(&self, element)
    }
    if layout == .indented, !elements.isEmpty { startLine(level) }
    bytes.append(UInt8(ascii: close))
  }

  private mutating func startLine(_ level: Int) {
    bytes.append(0x0A)
    bytes += repeatElement(0x20, count: 2 * level)
  }

  /// Only quotes, backslashes and control characters need an escape; runs without them are copied.
  private mutating func quote(_ string: String) {
    bytes.append(UInt8(ascii: "\""))
    var string = string
    string.withUTF8 { text in
      var start = 0
      for (index, byte) in text.enumerated() {
        guard byte < 0x20 || byte == 0x22 || byte == 0x5C || byte == 0x7F else { continue }
        bytes += text[start..<index]
        bytes += Self.escape(byte).utf8
        start = index + 1
      }
      bytes += text[start...]
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private static func escape(_ byte: UInt8) -> String {
    switch byte {
    case 0x22: return "\\\""
    case 0x5C: return "\\\\"
    case 0x0A: return "\\n"
    case 0x0D: return "\\r"
    case 0x09: return "\\t"
    default: return "\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
  }
}
