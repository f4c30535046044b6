#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif
import Formats

/// What may stand after `|`.
enum TemplateFilters {
  typealias Filter =
    @Sendable (TemplateEvaluator, TemplateValue, TemplateArguments) throws(Problem) -> TemplateValue

  static let table: [String: Filter] =
    textFilters.merging(numberFilters) { a, _ in a }.merging(listFilters) { a, _ in a }

  // MARK: Text

  private static let textFilters: [String: Filter] = [
    "trim": trim,
    "upper": onText("upper") { $0.uppercased() },
    "lower": onText("lower") { $0.lowercased() },
    "capitalize": onText("capitalize", PythonString.capitalized),
    "title": onText("title", title),
    "string": onText("string") { $0 },
    "safe": onText("safe") { $0 },
    "replace": replace,
    "indent": indent,
    "format": format,
    "tojson": toJSON,
    "from_json": fromJSON,
  ]

  /// A filter without arguments that turns the value's text into another.
  private static func onText(
    _ name: String, _ change: @escaping @Sendable (String) -> String
  ) -> Filter {
    { evaluator, value, arguments throws(Problem) in
      _ = try arguments.bound(to: [], of: name, in: evaluator)
      return try evaluator.checked(change(PythonText.text(value)))
    }
  }

  private static let trim: Filter = { evaluator, value, arguments throws(Problem) in
    let bound = try arguments.bound(to: ["chars"], of: "trim", in: evaluator)
    let characters = try evaluator.text(bound[0], for: "trim")
    return .string(PythonString.strip(PythonText.text(value), characters))
  }

  /// Jinja's own title case: words begin after white space, hyphens and opening brackets only.
  private static func title(_ text: String) -> String {
    var out = ""
    var startsWord = true
    for scalar in text.unicodeScalars {
      let mapping =
        startsWord ? scalar.properties.uppercaseMapping : scalar.properties.lowercaseMapping
      out += mapping
      startsWord =
        PythonString.isSpace(scalar) || ["-", "(", "{", "[", "<"].contains(scalar)
    }
    return out
  }

  private static let replace: Filter = { evaluator, value, arguments throws(Problem) in
    let bound = try arguments.bound(
      to: ["old", "new", "count"], required: 2, of: "replace", in: evaluator)
    let limit = try evaluator.integer(bound[2], for: "replace") ?? -1
    return try evaluator.replace(
      PythonText.text(value), PythonText.text(bound[0] ?? .none),
      PythonText.text(bound[1] ?? .none), limit)
  }

  private static let indent: Filter = { evaluator, value, arguments throws(Problem) in
    let bound = try arguments.bound(to: ["width", "first", "blank"], of: "indent", in: evaluator)
    guard case .string(let text) = value else {
      throw evaluator.fault("indent needs text, not a \(value.typeName)")
    }
    let margin: String
    if case .string(let given) = bound[0] {
      margin = given
    } else {
      margin = try evaluator.spaces(try evaluator.integer(bound[0], for: "indent") ?? 4)
    }
    let first = bound[1]?.isTrue ?? false
    let blank = bound[2]?.isTrue ?? false
    let lines = PythonString.lines(text + "\n")
    guard lines.count <= evaluator.limits.textBytes / (margin.utf8.count + 1) else {
      throw evaluator.tooLong()
    }
    let indented = lines.enumerated().map { index, line in
      index > 0 ? (line.isEmpty && !blank ? line : margin + line) : first ? margin + line : line
    }
    return try evaluator.checked(indented.joined(separator: "\n"))
  }

  private static let format: Filter = { evaluator, value, arguments throws(Problem) in
    guard arguments.keyword.isEmpty else {
      throw evaluator.fault("format with named values is not supported")
    }
    return .string(try evaluator.format(PythonText.text(value), .tuple(arguments.positional)))
  }

  /// Not in transformers: a few models' templates read calls with it whose arguments are JSON text.
  private static let fromJSON: Filter = { evaluator, value, arguments throws(Problem) in
    _ = try arguments.bound(to: [], of: "from_json", in: evaluator)
    guard case .string(let text) = value else {
      try evaluator.checkDefined(value)
      throw evaluator.fault("from_json needs text, not a \(value.typeName)")
    }
    do throws(JSONSyntaxError) {
      return TemplateValue(try JSONParser.parse(text))
    } catch {
      throw evaluator.fault("from_json was given text that is not JSON: \(error.message)")
    }
  }

  private static let toJSON: Filter = { evaluator, value, arguments throws(Problem) in
    let bound = try arguments.bound(
      to: ["ensure_ascii", "indent", "separators", "sort_keys"], of: "tojson", in: evaluator)
    var json = PythonJSON()
    json.ensureASCII = bound[0]?.isTrue ?? false
    json.sortKeys = bound[3]?.isTrue ?? false
    if case .string(let text) = bound[1] {
      json.indent = text
    } else if let width = try evaluator.integer(bound[1], for: "tojson") {
      json.indent = try evaluator.spaces(width)
    }
    if json.indent != nil { json.itemSeparator = "," }
    if let separators = bound[2], case .sequence(let parts) = separators {
      guard parts.elements.count == 2, case .string(let item) = parts.elements[0],
        case .string(let key) = parts.elements[1]
      else { throw evaluator.fault("tojson needs two texts as separators") }
      json.itemSeparator = item
      json.keySeparator = key
    }
    guard let text = json.text(value) else {
      try evaluator.checkDefined(value)
      throw evaluator.fault("tojson: the \(value.typeName) holds something that JSON cannot")
    }
    return try evaluator.checked(text)
  }

  // MARK: Numbers and any value

  private static let numberFilters: [String: Filter] = [
    "abs": absolute,
    "int": integer,
    "float": float,
    "round": round,
    "default": fallback,
    "d": fallback,
    "attr": attribute,
  ]

  private static let absolute: Filter = { evaluator, value, arguments throws(Problem) in
    _ = try arguments.bound(to: [], of: "abs", in: evaluator)
    try evaluator.checkDefined(value)
    if let integer = value.asInteger {
      return .integer(
        try integer < 0 ? evaluator.exact(0.subtractingReportingOverflow(integer)) : integer)
    }
    guard let number = value.asDouble else {
      throw evaluator.fault("abs needs a number, not a \(value.typeName)")
    }
    return .float(number.magnitude)
  }

  /// Like Python's `int`, also for text such as " 42 " and "42.9"; `default` for everything else.
  private static let integer: Filter = { evaluator, value, arguments throws(Problem) in
    let bound = try arguments.bound(to: ["default", "base"], of: "int", in: evaluator)
    let base = try evaluator.integer(bound[1], for: "int") ?? 10
    guard base == 10 else { throw evaluator.fault("int: only base 10 is supported") }
    try evaluator.checkDefined(value)
    if let integer = value.asInteger { return .integer(integer) }
    var number = value.asDouble
    if case .string(let text) = value {
      let digits = digits(of: text)
      if let integer = Int(digits) { return .integer(integer) }
      number = Double(digits)
    }
    guard let number, let integer = Int(exactly: number.rounded(.towardZero)) else {
      return bound[0] ?? .integer(0)
    }
    return .integer(integer)
  }

  /// Text as Python's `int` and `float` read it: space around it and `_` between digits are allowed.
  private static func digits(of text: String) -> String {
    let stripped = PythonString.strip(text)
    let isPlain =
      stripped.utf8.allSatisfy { $0 < 0x80 } && !stripped.utf8.contains(UInt8(ascii: "x"))
    guard isPlain, !stripped.hasPrefix("_"), !stripped.hasSuffix("_") else { return "" }
    return stripped.filter { $0 != "_" }
  }

  private static let float: Filter = { evaluator, value, arguments throws(Problem) in
    let bound = try arguments.bound(to: ["default"], of: "float", in: evaluator)
    try evaluator.checkDefined(value)
    if let number = value.asDouble { return .float(number) }
    if case .string(let text) = value, let number = Double(digits(of: text)) {
      return .float(number)
    }
    return bound[0] ?? .float(0)
  }

  private static let round: Filter = { evaluator, value, arguments throws(Problem) in
    let bound = try arguments.bound(to: ["precision", "method"], of: "round", in: evaluator)
    let precision = try evaluator.integer(bound[0], for: "round") ?? 0
    let method = try evaluator.text(bound[1], for: "round") ?? "common"
    try evaluator.checkDefined(value)
    guard let number = value.asDouble else {
      throw evaluator.fault("round needs a number, not a \(value.typeName)")
    }
    guard (0...15).contains(precision) else {
      throw evaluator.fault("round: a precision of \(precision) is not supported")
    }
    if method == "common", let integer = value.asInteger { return .integer(integer) }
    var scale = 1.0
    for _ in 0..<precision { scale *= 10 }
    switch method {
    case "ceil": return .float((number * scale).rounded(.up) / scale)
    case "floor": return .float((number * scale).rounded(.down) / scale)
    // Through the decimal digits, as Python does: 2.675 is a little less than it looks.
    case "common": return .float(Double(decimal(number, digits: precision)) ?? number)
    default: throw evaluator.fault("round: the method must be common, ceil or floor")
    }
  }

  private static func decimal(_ number: Double, digits: Int) -> String {
    var buffer = [CChar](repeating: 0, count: 512)
    let length = withVaList([Int32(digits), number]) {
      vsnprintf(&buffer, buffer.count, "%.*f", $0)
    }
    return String(decoding: buffer[..<Int(length)].map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  private static let fallback: Filter = { evaluator, value, arguments throws(Problem) in
    let bound = try arguments.bound(to: ["default_value", "boolean"], of: "default", in: evaluator)
    let replaces = value.isUndefined || (bound[1]?.isTrue ?? false) && !value.isTrue
    return replaces ? bound[0] ?? .string("") : value
  }

  /// The attribute only, never the item; of the values here, namespaces and `loop` have some.
  private static let attribute: Filter = { evaluator, value, arguments throws(Problem) in
    let bound = try arguments.bound(to: ["name"], required: 1, of: "attr", in: evaluator)
    guard let name = try evaluator.text(bound[0], for: "attr") else {
      throw evaluator.fault("attr needs a name")
    }
    if case .dictionary = value, TemplateMethods.of(value, name) == nil {
      return .undefined(.attribute(name, ofType: value.typeName))
    }
    return try evaluator.attribute(name, of: value, evaluator.position)
  }
}
