import Formats

/// What may stand after `is`, and what `select` and `reject` take.
enum TemplateTests {
  typealias Test =
    @Sendable (TemplateEvaluator, TemplateValue, TemplateArguments) throws(Problem) -> Bool

  static let table: [String: Test] = [
    "defined": onValue { !$0.isUndefined },
    "undefined": onValue(\.isUndefined),
    "none": onValue { if case .none = $0 { true } else { false } },
    "boolean": onValue { if case .bool = $0 { true } else { false } },
    "true": onValue { if case .bool(true) = $0 { true } else { false } },
    "false": onValue { if case .bool(false) = $0 { true } else { false } },
    "integer": onValue { if case .integer = $0 { true } else { false } },
    "float": onValue { if case .float = $0 { true } else { false } },
    "number": onValue { $0.asDouble != nil },
    "string": onValue { if case .string = $0 { true } else { false } },
    "mapping": onValue(\.isMapping),
    "sequence": onValue(isSequence),
    "iterable": onValue(isIterable),
    // Jinja's undefined has a call operator, if only one that fails.
    "callable": onValue {
      switch $0 {
      case .callable, .undefined: true
      default: false
      }
    },
    "upper": cased("isupper"),
    "lower": cased("islower"),
    "filter": onValue { TemplateFilters.table[PythonText.text($0)] != nil },
    "test": onValue { TemplateTests.table[PythonText.text($0)] != nil },
    "odd": remainder(of: 2, is: 1),
    "even": remainder(of: 2, is: 0),
    "divisibleby": divisibleBy,
    "in": comparison(.contained),
    "sameas": sameAs,
    "==": comparison(.equal), "eq": comparison(.equal), "equalto": comparison(.equal),
    "!=": comparison(.notEqual), "ne": comparison(.notEqual),
    "<": comparison(.less), "lt": comparison(.less), "lessthan": comparison(.less),
    "<=": comparison(.lessOrEqual), "le": comparison(.lessOrEqual),
    ">": comparison(.greater), "gt": comparison(.greater), "greaterthan": comparison(.greater),
    ">=": comparison(.greaterOrEqual), "ge": comparison(.greaterOrEqual),
  ]

  /// A test without arguments that cannot fail.
  private static func onValue(_ holds: @escaping @Sendable (TemplateValue) -> Bool) -> Test {
    { evaluator, value, arguments throws(Problem) in
      _ = try arguments.bound(to: [], of: "the test", in: evaluator)
      return holds(value)
    }
  }

  private static func comparison(_ comparison: TemplateComparison) -> Test {
    { evaluator, value, arguments throws(Problem) in
      try evaluator.compare(value, comparison, try other(evaluator, arguments))
    }
  }

  private static func remainder(of divisor: Int, is wanted: Double) -> Test {
    { evaluator, value, arguments throws(Problem) in
      _ = try arguments.bound(to: [], of: "the test", in: evaluator)
      return try remainder(evaluator, value, .integer(divisor)) == wanted
    }
  }

  private static let divisibleBy: Test = { evaluator, value, arguments throws(Problem) in
    try remainder(evaluator, value, try other(evaluator, arguments)) == 0
  }

  private static let sameAs: Test = { evaluator, value, arguments throws(Problem) in
    isSame(value, try other(evaluator, arguments))
  }

  private static func cased(_ method: String) -> Test {
    { evaluator, value, arguments throws(Problem) in
      let text = TemplateValue.string(PythonText.text(value))
      return try TemplateMethods.of(text, method)?.body(evaluator, arguments).isTrue ?? false
    }
  }

  /// The one argument of a test.
  private static func other(
    _ evaluator: TemplateEvaluator, _ arguments: TemplateArguments
  ) throws(Problem) -> TemplateValue {
    let bound = try arguments.bound(to: ["value"], required: 1, of: "the test", in: evaluator)
    return bound[0] ?? .none
  }

  private static func remainder(
    _ evaluator: TemplateEvaluator, _ value: TemplateValue, _ divisor: TemplateValue
  ) throws(Problem) -> Double? {
    try evaluator.arithmetic(.remainder, value, divisor, evaluator.position).asDouble
  }

  private static func isSequence(_ value: TemplateValue) -> Bool {
    switch value {
    // Jinja asks for a length and an index operator, which its undefined has, too.
    case .string, .dictionary, .undefined: true
    case .sequence(let sequence): sequence.isIndexable
    default: false
    }
  }

  private static func isIterable(_ value: TemplateValue) -> Bool {
    switch value {
    case .string, .dictionary, .undefined, .sequence, .iterator, .loop: true
    default: false
    }
  }

  /// Python's `is`, for what templates ask with it: none, true, false and shared objects.
  private static func isSame(_ a: TemplateValue, _ b: TemplateValue) -> Bool {
    switch (a, b) {
    case (.none, .none): true
    case (.bool(let x), .bool(let y)): x == y
    case (.namespace, .namespace), (.iterator, .iterator), (.callable, .callable), (.loop, .loop):
      a.equals(b)
    case (.integer, .integer), (.string, .string): a.equals(b)
    default: false
    }
  }
}
