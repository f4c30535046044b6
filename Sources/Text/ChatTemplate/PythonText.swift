/// How Python prints values: `str(x)`, `repr(x)` and `json.dumps(x)`.
enum PythonText {
  /// What `{{ value }}` writes.
  static func text(_ value: TemplateValue) -> String {
    switch value {
    case .string(let string), .markup(let string): string
    case .undefined: ""
    default: representation(value)
    }
  }

  /// `repr(value)`: strings in quotes, everything else as it would be typed.
  static func representation(_ value: TemplateValue) -> String {
    var out = ""
    write(value, to: &out)
    return out
  }

  private static func write(_ value: TemplateValue, to out: inout String) {
    switch value {
    case .undefined: out += "Undefined"
    case .none: out += "None"
    case .bool(let bool): out += bool ? "True" : "False"
    case .integer(let integer): out += String(integer)
    case .float(let double): out += number(double)
    case .string(let string): out += quoted(string)
    case .markup(let string): out += "Markup(\(quoted(string)))"
    case .sequence(let sequence): write(sequence, to: &out)
    case .dictionary(let dictionary):
      out += "{"
      for (index, member) in dictionary.members.enumerated() {
        if index > 0 { out += ", " }
        write(member.key, to: &out)
        out += ": "
        write(member.value, to: &out)
      }
      out += "}"
    case .iterator: out += "<generator object>"
    case .namespace: out += "<Namespace>"
    case .loop(let loop): out += "<LoopContext \(loop.index + 1)/\(loop.elements.count)>"
    case .callable(let callable): out += "<function \(callable.name)>"
    }
  }

  private static func write(_ sequence: TemplateSequence, to out: inout String) {
    let brackets: (open: String, close: String)
    switch sequence.kind {
    case .range(let start, let stop, let step):
      out += "range(\(start), \(stop)\(step == 1 ? "" : ", \(step)"))"
      return
    case .list: brackets = ("[", "]")
    case .tuple: brackets = ("(", sequence.elements.count == 1 ? ",)" : ")")
    case .keys, .values, .items: brackets = (sequence.typeName + "([", "])")
    }
    out += brackets.open
    for (index, element) in sequence.elements.enumerated() {
      if index > 0 { out += ", " }
      write(element, to: &out)
    }
    out += brackets.close
  }

  /// `repr(float)`: the shortest digits that read back exactly, with an exponent from 1e16 up and
  /// below 1e-4.
  static func number(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
    let (digits, exponent) = shortestDigits(value.magnitude)
    let sign = value.sign == .minus ? "-" : ""
    if exponent < -4 || exponent >= 16 {
      let fraction = digits.dropFirst()
      let power = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
      return sign + digits.prefix(1) + (fraction.isEmpty ? "" : "." + fraction) + "e"
        + (exponent < 0 ? "-" : "+") + power
    }
    if exponent < 0 {
      return sign + "0." + String(repeating: "0", count: -exponent - 1) + digits
    }
    let padded = digits + String(repeating: "0", count: max(0, exponent + 2 - digits.count))
    return sign + padded.prefix(exponent + 1) + "." + padded.dropFirst(exponent + 1)
  }

  /// The shortest decimal digits d₀d₁d₂… and the exponent e with value = d₀.d₁d₂… × 10ᵉ.
  private static func shortestDigits(_ value: Double) -> (digits: String, exponent: Int) {
    if value == 0 { return ("0", 0) }
    let parts = value.description.split(separator: "e")
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let whole = mantissa[0]
    let fraction = mantissa.count > 1 ? mantissa[1] : ""
    let shift = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    let all = whole + fraction
    let significant = all.drop { $0 == "0" }
    var digits = String(significant)
    while digits.count > 1, digits.last == "0" { digits.removeLast() }
    return (digits, whole.count - 1 - (all.count - significant.count) + shift)
  }

  /// `repr(str)`: single quotes unless the text has single and no double quotes.
  private static func quoted(_ string: String) -> String {
    let scalars = string.unicodeScalars
    let quote: Unicode.Scalar = scalars.contains("'") && !scalars.contains("\"") ? "\"" : "'"
    var out = String.UnicodeScalarView()
    out.append(quote)
    for scalar in scalars {
      switch scalar {
      case "\\", quote:
        out.append("\\")
        out.append(scalar)
      case "\n": out.append(contentsOf: "\\n".unicodeScalars)
      case "\r": out.append(contentsOf: "\\r".unicodeScalars)
      case "\t": out.append(contentsOf: "\\t".unicodeScalars)
      case _ where isPrintable(scalar): out.append(scalar)
      default: out.append(contentsOf: escaped(scalar).unicodeScalars)
      }
    }
    out.append(quote)
    return String(out)
  }

  private static func escaped(_ scalar: Unicode.Scalar) -> String {
    let (letter, width) =
      scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
    let digits = String(scalar.value, radix: 16)
    return "\\" + letter + String(repeating: "0", count: width - digits.count) + digits
  }

  /// `str.isprintable` for one scalar.
  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return (0x20..<0x7F).contains(scalar.value) }
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
      .paragraphSeparator, .spaceSeparator:
      return false
    default: return true
    }
  }
}
