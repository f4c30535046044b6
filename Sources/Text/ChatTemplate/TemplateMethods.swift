import Formats

/// Methods of Python's `str`, `list`, `tuple` and `dict` that templates may call.
enum TemplateMethods {
  private typealias TextMethod =
    @Sendable (TemplateEvaluator, String, TemplateArguments) throws(Problem) -> TemplateValue

  /// The method `name` bound to `owner`, if its type has one.
  static func of(_ owner: TemplateValue, _ name: String) -> TemplateCallable? {
    switch owner {
    case .string(let text):
      guard let method = textMethods[name] else { return nil }
      return TemplateCallable(name) { evaluator, arguments throws(Problem) in
        try evaluator.spend(text.utf8.count / 16)
        return try method(evaluator, text, arguments)
      }
    case .dictionary(let dictionary): return of(dictionary, name)
    case .sequence(let sequence): return of(sequence, name)
    default: return nil
    }
  }

  /// The sandbox of transformers refuses these.
  static func changes(_ owner: TemplateValue, _ name: String) -> Bool {
    switch owner {
    case .dictionary:
      ["clear", "pop", "popitem", "setdefault", "update"].contains(name)
    case .sequence(let sequence) where sequence.kind == .list:
      ["append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"].contains(name)
    default: false
    }
  }

  // MARK: Dictionaries and lists

  private static func of(_ dictionary: TemplateDictionary, _ name: String) -> TemplateCallable? {
    switch name {
    case "keys":
      view(name) { TemplateSequence(.keys, dictionary.members.map(\.key)) }
    case "values":
      view(name) { TemplateSequence(.values, dictionary.members.map(\.value)) }
    case "items":
      view(name) {
        TemplateSequence(.items, dictionary.members.map { .tuple([$0.key, $0.value]) })
      }
    case "get":
      TemplateCallable(name) { evaluator, arguments throws(Problem) in
        let bound = try arguments.bound(
          to: ["key", "default"], required: 1, of: "get", in: evaluator)
        return bound[0].flatMap { dictionary[$0] } ?? bound[1] ?? .none
      }
    case "copy": TemplateCallable(name) { _, _ throws(Problem) in .dictionary(dictionary) }
    default: nil
    }
  }

  private static func view(
    _ name: String, _ make: @escaping @Sendable () -> TemplateSequence
  ) -> TemplateCallable {
    TemplateCallable(name) { evaluator, arguments throws(Problem) in
      _ = try arguments.bound(to: [], of: name, in: evaluator)
      let sequence = make()
      try evaluator.spend(sequence.elements.count)
      return .sequence(sequence)
    }
  }

  private static func of(_ sequence: TemplateSequence, _ name: String) -> TemplateCallable? {
    guard sequence.isIndexable else { return nil }
    switch name {
    case "index", "count":
      return TemplateCallable(name) { evaluator, arguments throws(Problem) in
        let bound = try arguments.bound(to: ["value"], required: 1, of: name, in: evaluator)
        let value = bound[0] ?? .none
        try evaluator.spend(sequence.elements.count)
        if name == "count" {
          return .integer(sequence.elements.count { $0.equals(value) })
        }
        guard let index = sequence.elements.firstIndex(where: { $0.equals(value) }) else {
          throw evaluator.fault("the \(sequence.typeName) does not hold the value")
        }
        return .integer(index)
      }
    case "copy" where sequence.kind == .list:
      return TemplateCallable(name) { _, _ throws(Problem) in .sequence(sequence) }
    default: return nil
    }
  }

  static func of(_ loop: TemplateLoop, _ name: String) -> TemplateCallable {
    TemplateCallable(name) { evaluator, arguments throws(Problem) in
      if name == "cycle" {
        guard !arguments.positional.isEmpty else {
          throw evaluator.fault("loop.cycle needs values to cycle through")
        }
        return arguments.positional[loop.index % arguments.positional.count]
      }
      let values = TemplateValue.tuple(arguments.positional)
      defer { loop.lastChanged = values }
      return .bool(!(loop.lastChanged?.equals(values) ?? false))
    }
  }

  // MARK: Text

  private static let textMethods: [String: TextMethod] = [
    "strip": strip(.both),
    "lstrip": strip(.start),
    "rstrip": strip(.end),
    "split": split(backwards: false),
    "rsplit": split(backwards: true),
    "splitlines": splitLines,
    "partition": partition(backwards: false),
    "rpartition": partition(backwards: true),
    "startswith": hasAffix("startswith", PythonString.hasPrefix),
    "endswith": hasAffix("endswith", PythonString.hasSuffix),
    "removeprefix": removePrefix,
    "removesuffix": removeSuffix,
    "find": find(backwards: false),
    "rfind": find(backwards: true),
    "index": index,
    "count": count,
    "replace": replace,
    "join": join,
    "format": format,
    "zfill": zeroFill,
    "upper": plain("upper") { .string($0.uppercased()) },
    "lower": plain("lower") { .string($0.lowercased()) },
    "title": plain("title") { .string(PythonString.titled($0)) },
    "capitalize": plain("capitalize") { .string(PythonString.capitalized($0)) },
    "isspace": all("isspace", PythonString.isSpace),
    "isdigit": all("isdigit") {
      $0.properties.numericType == .decimal || $0.properties.numericType == .digit
    },
    "isnumeric": all("isnumeric") { $0.properties.numericType != nil },
    "isalpha": all("isalpha", isLetter),
    "isalnum": all("isalnum") { isLetter($0) || $0.properties.numericType != nil },
    "isupper": cased("isupper", \.isUppercase, not: \.isLowercase),
    "islower": cased("islower", \.isLowercase, not: \.isUppercase),
  ]

  /// A method without arguments that cannot fail.
  private static func plain(
    _ name: String, _ result: @escaping @Sendable (String) -> TemplateValue
  ) -> TextMethod {
    { evaluator, text, arguments throws(Problem) in
      _ = try arguments.bound(to: [], of: name, in: evaluator)
      return result(text)
    }
  }

  private static func strip(_ side: PythonString.Side) -> TextMethod {
    { evaluator, text, arguments throws(Problem) in
      let bound = try arguments.bound(to: ["chars"], of: "strip", in: evaluator)
      return .string(PythonString.strip(text, try evaluator.text(bound[0], for: "strip"), side))
    }
  }

  private static func split(backwards: Bool) -> TextMethod {
    let name = backwards ? "rsplit" : "split"
    return { evaluator, text, arguments throws(Problem) in
      let bound = try arguments.bound(to: ["sep", "maxsplit"], of: name, in: evaluator)
      let limit = try evaluator.integer(bound[1], for: name) ?? -1
      guard let separator = try evaluator.text(bound[0], for: name) else {
        let words = PythonString.splitWords(text, limit: limit, backwards: backwards)
        return .list(words.map { .string($0) })
      }
      guard !separator.isEmpty else { throw evaluator.fault("\(name) needs a separator") }
      let parts = PythonString.split(text, by: separator, limit: limit, backwards: backwards)
      return .list(parts.map { .string($0) })
    }
  }

  private static let splitLines: TextMethod = { evaluator, text, arguments throws(Problem) in
    let bound = try arguments.bound(to: ["keepends"], of: "splitlines", in: evaluator)
    let lines = PythonString.lines(text, keepEnds: bound[0]?.isTrue ?? false)
    return .list(lines.map { .string($0) })
  }

  private static func partition(backwards: Bool) -> TextMethod {
    { evaluator, text, arguments throws(Problem) in
      let separator = try required(evaluator, arguments, "partition")
      guard !separator.isEmpty else { throw evaluator.fault("partition needs a separator") }
      let parts = PythonString.split(text, by: separator, limit: 1, backwards: backwards)
      if parts.count == 2 { return .tuple([parts[0], separator, parts[1]].map { .string($0) }) }
      return .tuple((backwards ? ["", "", text] : [text, "", ""]).map { .string($0) })
    }
  }

  /// The one text argument of a method.
  private static func required(
    _ evaluator: TemplateEvaluator, _ arguments: TemplateArguments, _ name: String
  ) throws(Problem) -> String {
    let bound = try arguments.bound(to: ["text"], required: 1, of: name, in: evaluator)
    guard let text = try evaluator.text(bound[0], for: name) else {
      throw evaluator.fault("\(name) needs text, not none")
    }
    return text
  }

  private static func hasAffix(
    _ name: String, _ matches: @escaping @Sendable (String, String) -> Bool
  ) -> TextMethod {
    { evaluator, text, arguments throws(Problem) in
      let bound = try arguments.bound(to: ["text"], required: 1, of: name, in: evaluator)
      guard case .sequence(let sequence) = bound[0], sequence.kind == .tuple else {
        return .bool(matches(text, try required(evaluator, arguments, name)))
      }
      for element in sequence.elements {
        if let affix = try evaluator.text(element, for: name), matches(text, affix) {
          return .bool(true)
        }
      }
      return .bool(false)
    }
  }

  private static let removePrefix: TextMethod = { evaluator, text, arguments throws(Problem) in
    let prefix = try required(evaluator, arguments, "removeprefix")
    guard PythonString.hasPrefix(text, prefix) else { return .string(text) }
    return .string(String(decoding: text.utf8.dropFirst(prefix.utf8.count), as: UTF8.self))
  }

  private static let removeSuffix: TextMethod = { evaluator, text, arguments throws(Problem) in
    let suffix = try required(evaluator, arguments, "removesuffix")
    guard PythonString.hasSuffix(text, suffix) else { return .string(text) }
    return .string(String(decoding: text.utf8.dropLast(suffix.utf8.count), as: UTF8.self))
  }

  private static func find(backwards: Bool) -> TextMethod {
    { evaluator, text, arguments throws(Problem) in
      let part = try required(evaluator, arguments, backwards ? "rfind" : "find")
      return .integer(PythonString.index(of: part, in: text, backwards: backwards))
    }
  }

  private static let index: TextMethod = { evaluator, text, arguments throws(Problem) in
    let index = PythonString.index(of: try required(evaluator, arguments, "index"), in: text)
    guard index >= 0 else { throw evaluator.fault("index: the text does not hold the part") }
    return .integer(index)
  }

  private static let count: TextMethod = { evaluator, text, arguments throws(Problem) in
    .integer(PythonString.count(of: try required(evaluator, arguments, "count"), in: text))
  }

  private static let replace: TextMethod = { evaluator, text, arguments throws(Problem) in
    let bound = try arguments.bound(
      to: ["old", "new", "count"], required: 2, of: "replace", in: evaluator)
    guard let old = try evaluator.text(bound[0], for: "replace"),
      let new = try evaluator.text(bound[1], for: "replace")
    else { throw evaluator.fault("replace needs text, not none") }
    let limit = try evaluator.integer(bound[2], for: "replace") ?? -1
    return try evaluator.replace(text, old, new, limit)
  }

  private static let join: TextMethod = { evaluator, text, arguments throws(Problem) in
    let bound = try arguments.bound(to: ["iterable"], required: 1, of: "join", in: evaluator)
    var parts: [String] = []
    for element in try evaluator.elements(of: bound[0] ?? .none) {
      guard let part = try evaluator.text(element, for: "join") else {
        throw evaluator.fault("join needs text, not none")
      }
      parts.append(part)
    }
    return try evaluator.joined(parts, by: text)
  }

  private static let zeroFill: TextMethod = { evaluator, text, arguments throws(Problem) in
    let bound = try arguments.bound(to: ["width"], required: 1, of: "zfill", in: evaluator)
    let width = try evaluator.integer(bound[0], for: "zfill") ?? 0
    guard width <= evaluator.limits.textBytes else { throw evaluator.tooLong() }
    let missing = max(0, max(0, width) - text.unicodeScalars.count)
    let zeros = String(repeating: "0", count: missing)
    let hasSign = text.utf8.first == UInt8(ascii: "-") || text.utf8.first == UInt8(ascii: "+")
    return .string(hasSign ? String(text.prefix(1)) + zeros + text.dropFirst() : zeros + text)
  }

  private static func all(
    _ name: String, _ holds: @escaping @Sendable (Unicode.Scalar) -> Bool
  ) -> TextMethod {
    plain(name) { .bool(!$0.isEmpty && $0.unicodeScalars.allSatisfy(holds)) }
  }

  private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }

  private static func cased(
    _ name: String, _ wanted: @escaping @Sendable (Unicode.Scalar.Properties) -> Bool,
    not excluded: @escaping @Sendable (Unicode.Scalar.Properties) -> Bool
  ) -> TextMethod {
    plain(name) { text in
      let scalars = text.unicodeScalars
      return .bool(
        scalars.contains { wanted($0.properties) } && !scalars.contains { excluded($0.properties) })
    }
  }

  /// `str.format` with `{}`, `{0}`, `{name}`, `{{` and `}}`.
  private static let format: TextMethod = { evaluator, text, arguments throws(Problem) in
    var out = String.UnicodeScalarView()
    var automatic = 0
    var isNumbered = false
    var scalars = text.unicodeScalars[...]
    while let scalar = scalars.popFirst() {
      if scalar == "{" || scalar == "}", scalars.first == scalar {
        scalars.removeFirst()
        out.append(scalar)
      } else if scalar == "{", let end = scalars.firstIndex(of: "}") {
        let field = String(scalars[..<end])
        scalars = scalars[scalars.index(after: end)...]
        isNumbered = isNumbered || Int(field) != nil
        guard let value = Self.field(field, arguments, &automatic), automatic == 0 || !isNumbered
        else {
          throw evaluator.fault("format: the field {\(field)} has no value or is not supported")
        }
        out.append(contentsOf: PythonText.text(value).unicodeScalars)
      } else if scalar == "{" || scalar == "}" {
        throw evaluator.fault("format: a single \"\(scalar)\"")
      } else {
        out.append(scalar)
      }
    }
    return try evaluator.checked(String(out))
  }

  private static func field(
    _ name: String, _ arguments: TemplateArguments, _ automatic: inout Int
  ) -> TemplateValue? {
    var index = Int(name)
    if name.isEmpty {
      index = automatic
      automatic += 1
    }
    guard let index else { return arguments.keyword.first { $0.name == name }?.value }
    return arguments.positional.indices.contains(index) ? arguments.positional[index] : nil
  }
}

extension TemplateEvaluator {
  /// Replaces text, with the size of the result checked before it is built.
  func replace(
    _ text: String, _ old: String, _ new: String, _ limit: Int
  ) throws(Problem) -> TemplateValue {
    let growth = new.utf8.count - old.utf8.count
    if growth > 0 {
      let found = PythonString.count(of: old, in: text)
      let count = limit < 0 ? found : min(found, limit)
      guard count <= (limits.textBytes - min(text.utf8.count, limits.textBytes)) / growth else {
        throw tooLong()
      }
    }
    return .string(PythonString.replace(text, old, with: new, limit: limit))
  }

  func joined(_ parts: [String], by separator: String) throws(Problem) -> TemplateValue {
    try spend(parts.count)
    var size = 0
    for part in parts {
      size += part.utf8.count + separator.utf8.count
      guard size <= limits.textBytes else { throw tooLong() }
    }
    return .string(parts.joined(separator: separator))
  }
}
