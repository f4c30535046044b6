import Formats

/// Evaluated arguments of a call, filter or test.
struct TemplateArguments: Sendable {
  var positional: [TemplateValue] = []
  var keyword: [(name: String, value: TemplateValue)] = []

  /// The arguments in the order of `parameters`, nil where none was given.
  ///
  /// - Throws: Where an argument is surplus, unknown or given twice, or a required one is missing.
  func bound(
    to parameters: [String], required: Int = 0, of function: String, in evaluator: TemplateEvaluator
  ) throws(Problem) -> [TemplateValue?] {
    guard positional.count <= parameters.count else {
      throw evaluator.fault("\(function) takes at most \(parameters.count) arguments")
    }
    var result: [TemplateValue?] = positional
    result += Array(repeating: nil, count: parameters.count - positional.count)
    for (name, value) in keyword {
      guard let index = parameters.firstIndex(of: name) else {
        throw evaluator.fault("\(function) has no parameter \"\(name)\"")
      }
      guard result[index] == nil else {
        throw evaluator.fault("\(function) was given \"\(name)\" twice")
      }
      result[index] = value
    }
    for index in 0..<required where result[index] == nil {
      throw evaluator.fault("\(function) needs the argument \"\(parameters[index])\"")
    }
    return result
  }
}

/// Arguments as the Swift types that an operation needs.
extension TemplateEvaluator {
  func text(_ value: TemplateValue?, for what: String) throws(Problem) -> String? {
    switch value {
    case nil, .some(.none): return nil
    case .string(let text): return text
    case .some(let value):
      try checkDefined(value)
      throw fault("\(what) needs text, not a \(value.typeName)")
    }
  }

  func integer(_ value: TemplateValue?, for what: String) throws(Problem) -> Int? {
    switch value {
    case nil, .some(.none): return nil
    case .some(let value):
      try checkDefined(value)
      guard let integer = value.asInteger else {
        throw fault("\(what) needs a whole number, not a \(value.typeName)")
      }
      return integer
    }
  }

  /// Spaces for an indent, bounded.
  func spaces(_ count: Int) throws(Problem) -> String {
    guard count <= 10_000 else { throw fault("an indent of \(count) spaces is too wide") }
    return String(repeating: " ", count: max(0, count))
  }

  func checked(_ text: String) throws(Problem) -> TemplateValue {
    guard text.utf8.count <= limits.textBytes else { throw tooLong() }
    return .string(text)
  }
}
