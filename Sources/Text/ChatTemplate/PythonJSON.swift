/// `json.dumps` as chat templates know it through the `tojson` filter: not ASCII-only, no HTML escapes.
struct PythonJSON {
  /// What stands before each member on its own line, once a level; nil writes one line.
  var indent: String?
  var itemSeparator = ", "
  var keySeparator = ": "
  var sortKeys = false
  var ensureASCII = false

  /// nil where Python raises: an undefined value, a function, a key that is neither text nor number.
  func text(_ value: TemplateValue) -> String? {
    var out = ""
    return write(value, level: 0, to: &out) ? out : nil
  }

  private func write(_ value: TemplateValue, level: Int, to out: inout String) -> Bool {
    switch value {
    case .none: out += "null"
    case .bool(let bool): out += bool ? "true" : "false"
    case .integer(let integer): out += String(integer)
    case .float(let double): out += Self.number(double)
    case .string(let string), .markup(let string): quote(string, to: &out)
    case .sequence(let sequence):
      guard sequence.kind == .list || sequence.kind == .tuple else { return false }
      return list(sequence.elements, "[", "]", level, &out) { element, out in
        write(element, level: level + 1, to: &out)
      }
    case .dictionary(let dictionary):
      guard let members = sorted(dictionary.members) else { return false }
      return list(members, "{", "}", level, &out) { member, out in
        guard let key = Self.key(member.key) else { return false }
        quote(key, to: &out)
        out += keySeparator
        return write(member.value, level: level + 1, to: &out)
      }
    case .undefined, .iterator, .namespace, .loop, .callable: return false
    }
    return true
  }

  private func list<Element>(
    _ elements: [Element], _ open: String, _ close: String, _ level: Int, _ out: inout String,
    _ write: (Element, inout String) -> Bool
  ) -> Bool {
    out += open
    for (index, element) in elements.enumerated() {
      if index > 0 { out += itemSeparator }
      newLine(level + 1, to: &out)
      guard write(element, &out) else { return false }
    }
    if !elements.isEmpty { newLine(level, to: &out) }
    out += close
    return true
  }

  private func newLine(_ level: Int, to out: inout String) {
    guard let indent else { return }
    out += "\n"
    for _ in 0..<level { out += indent }
  }

  private typealias Member = (key: TemplateValue, value: TemplateValue)

  private func sorted(_ members: [Member]) -> [Member]? {
    guard sortKeys else { return members }
    var areOrdered = true
    let result = members.sorted { a, b in
      guard let order = a.key.order(to: b.key) else {
        areOrdered = false
        return false
      }
      return order < 0
    }
    return areOrdered ? result : nil
  }

  private static func key(_ value: TemplateValue) -> String? {
    switch value {
    case .string(let string), .markup(let string): string
    case .integer(let integer): String(integer)
    case .float(let double): number(double)
    case .bool(let bool): bool ? "true" : "false"
    case .none: "null"
    default: nil
    }
  }

  private static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    return PythonText.number(value)
  }

  private func quote(_ string: String, to out: inout String) {
    out += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case "\u{8}": out += "\\b"
      case "\u{C}": out += "\\f"
      case "\u{0}"..<"\u{20}": out += Self.escape(UInt16(scalar.value))
      case _ where ensureASCII && !(0x20..<0x7F).contains(scalar.value):
        // 0x7F included: json.dumps escapes what is not printable ASCII.
        for unit in String(scalar).utf16 { out += Self.escape(unit) }
      default: out.unicodeScalars.append(scalar)
      }
    }
    out += "\""
  }

  private static func escape(_ unit: UInt16) -> String {
    let digits = String(unit, radix: 16)
    return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
  }
}
