import Formats

/// What `safe` makes of a text: Python's `Markup`, which templates meet without wanting it.
///
/// It prints as it is. What is added to it, before or behind, is escaped for HTML, also where nothing
/// else is, so `'<b>' | safe + '<i>'` gives `<b>&lt;i&gt;`. Parts of it and most of what filters and
/// methods make of it are markup again. Most functions and all tests see the plain text.
extension TemplateValue {
  /// The value without the mark.
  var plain: TemplateValue { if case .markup(let text) = self { .string(text) } else { self } }

  /// A text with the mark; anything else as it is.
  var marked: TemplateValue { if case .string(let text) = self { .markup(text) } else { self } }

  var isMarkup: Bool { if case .markup = self { true } else { false } }

  /// `markupsafe.escape`: what stands in markup for a value.
  var escaped: String {
    if case .markup(let text) = self { return text }
    var out = ""
    for scalar in PythonText.text(self).unicodeScalars {
      switch scalar {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "'": out += "&#39;"
      case "\"": out += "&#34;"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }
}

extension TemplateArguments {
  var plain: TemplateArguments {
    TemplateArguments(
      positional: positional.map(\.plain), keyword: keyword.map { ($0.name, $0.value.plain) })
  }

  var escaped: TemplateArguments {
    TemplateArguments(
      positional: positional.map { $0.isText ? .string($0.escaped) : $0 },
      keyword: keyword.map { ($0.name, $0.value.isText ? .string($0.value.escaped) : $0.value) })
  }
}

extension TemplateValue {
  fileprivate var isText: Bool {
    switch self {
    case .string, .markup: true
    default: false
    }
  }
}

enum TemplateMarkup {
  /// Filters that give markup for markup.
  static let keepingFilters: Set<String> = [
    "string", "trim", "upper", "lower", "capitalize", "title", "indent",
  ]
  /// Filters that hand on what they are given.
  static let transparentFilters: Set<String> = ["default", "d", "first", "last", "list"]
  /// Methods of markup that escape what they are given.
  private static let escapingMethods: Set<String> = ["replace", "format"]

  /// The method of a text, giving markup.
  static func method(_ name: String, of text: String) -> TemplateCallable? {
    guard let method = TemplateMethods.of(.string(text), name) else { return nil }
    return TemplateCallable(name, keepsMarkup: true) { evaluator, arguments throws(Problem) in
      let arguments = escapingMethods.contains(name) ? arguments.escaped : arguments.plain
      return try method.body(evaluator, arguments).marked
    }
  }

  /// `+`, `*` and `%` where one side is markup.
  static func arithmetic(
    _ operation: TemplateOperator, _ left: TemplateValue, _ right: TemplateValue,
    _ evaluator: TemplateEvaluator
  ) throws(Problem) -> TemplateValue {
    let position = evaluator.position
    var (left, right) = (left, right)
    switch operation {
    case .add where left.isText && right.isText:
      (left, right) = (.string(left.escaped), .string(right.escaped))
    case .remainder:
      if right.isText { right = .string(right.escaped) }
    default: break
    }
    return try evaluator.arithmetic(operation, left.plain, right.plain, position).marked
  }
}
