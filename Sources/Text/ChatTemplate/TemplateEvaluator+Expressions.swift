import Formats

extension TemplateEvaluator {
  /// The value of an expression; bounded in depth, so that it can be printed and compared safely.
  func evaluate(_ expression: TemplateExpression) throws(Problem) -> TemplateValue {
    switch expression {
    case .literal(let value): return value
    case .name(let name, let position):
      self.position = position
      return value(of: name)
    default: break
    }
    try enter()
    defer { leave() }
    let value = try compute(expression)
    guard value.depth <= limits.valueDepth else {
      throw fault("the template nests values deeper than \(limits.valueDepth) levels")
    }
    let weight = value.weight
    guard weight <= limits.textBytes else { throw tooLong() }
    try spend(weight / 1024)
    return value
  }

  private func compute(_ expression: TemplateExpression) throws(Problem) -> TemplateValue {
    switch expression {
    case .literal, .name: try evaluate(expression)
    case .list(let elements): .list(try evaluate(elements))
    case .tuple(let elements): .tuple(try evaluate(elements))
    case .dictionary(let members, let position): try dictionary(members, position)
    case .attribute(let owner, let name, let position):
      try attribute(name, of: try evaluate(owner), position)
    case .item(let owner, let key, let position):
      try item(try evaluate(key), of: try evaluate(owner), position)
    case .slice(let owner, let slice, let position):
      try self.slice(try evaluate(owner), slice, position)
    case .call(let callee, let call, let position): try evaluate(callee, call, position)
    case .filter(let value, let filter): try apply(filter, to: try evaluate(value))
    case .test(let value, let name, let call, let position):
      .bool(try test(name, try evaluate(value), call, position))
    case .negate(let operand, let position): try negate(try evaluate(operand), position)
    case .plus(let operand, let position): try plus(try evaluate(operand), position)
    case .not(let operand): .bool(!(try evaluate(operand).isTrue))
    case .and(let left, let right): try evaluate(left, and: right)
    case .or(let left, let right): try evaluate(left, or: right)
    case .arithmetic(let operation, let left, let right, let position):
      try arithmetic(operation, try evaluate(left), try evaluate(right), position)
    case .concatenate(let parts, let position): try concatenate(parts, position)
    case .compare(let first, let rest, let position): try compare(first, rest, position)
    case .conditional(let condition, let then, let otherwise):
      try conditional(condition, then, otherwise)
    }
  }

  private func evaluate(_ expressions: [TemplateExpression]) throws(Problem) -> [TemplateValue] {
    var values: [TemplateValue] = []
    values.reserveCapacity(expressions.count)
    for expression in expressions { values.append(try evaluate(expression)) }
    return values
  }

  private func dictionary(
    _ members: [(key: TemplateExpression, value: TemplateExpression)], _ position: TemplatePosition
  ) throws(Problem) -> TemplateValue {
    var dictionary = TemplateDictionary()
    for member in members {
      let key = try evaluate(member.key).plain
      let value = try evaluate(member.value)
      self.position = position
      try checkHashable(key)
      dictionary[key] = value
    }
    return .dictionary(dictionary)
  }

  func checkHashable(_ key: TemplateValue) throws(Problem) {
    switch key {
    case .dictionary: throw fault("a dict cannot be a key")
    case .sequence(let sequence):
      guard sequence.kind != .list else { throw fault("a list cannot be a key") }
      for element in sequence.elements { try checkHashable(element) }
    default: break
    }
  }

  // `and` and `or` give one of their operands, not true or false.
  private func evaluate(
    _ left: TemplateExpression, and right: TemplateExpression
  ) throws(Problem) -> TemplateValue {
    let value = try evaluate(left)
    return value.isTrue ? try evaluate(right) : value
  }

  private func evaluate(
    _ left: TemplateExpression, or right: TemplateExpression
  ) throws(Problem) -> TemplateValue {
    let value = try evaluate(left)
    return value.isTrue ? value : try evaluate(right)
  }

  private func conditional(
    _ condition: TemplateExpression, _ then: TemplateExpression, _ otherwise: TemplateExpression?
  ) throws(Problem) -> TemplateValue {
    if try evaluate(condition).isTrue { return try evaluate(then) }
    guard let otherwise else {
      return .undefined(.because("the inline if was false and has no else"))
    }
    return try evaluate(otherwise)
  }

  private func concatenate(
    _ parts: [TemplateExpression], _ position: TemplatePosition
  ) throws(Problem) -> TemplateValue {
    var text = ""
    for part in parts {
      text += PythonText.text(try evaluate(part))
      self.position = position
      guard text.utf8.count <= limits.textBytes else { throw tooLong() }
    }
    return .string(text)
  }

  // MARK: Calls

  func evaluate(_ call: TemplateCall) throws(Problem) -> TemplateArguments {
    var arguments = TemplateArguments(positional: try evaluate(call.positional))
    for (name, value) in call.keyword { arguments.keyword.append((name, try evaluate(value))) }
    if let list = call.unpackedList {
      arguments.positional += try elements(of: try evaluate(list))
    }
    if let dictionary = call.unpackedDictionary {
      guard case .dictionary(let members) = try evaluate(dictionary) else {
        throw fault("** needs a dict")
      }
      for (key, value) in members.members {
        guard case .string(let name) = key else { throw fault("** needs text as keys") }
        arguments.keyword.append((name, value))
      }
    }
    return arguments
  }

  private func evaluate(
    _ callee: TemplateExpression, _ call: TemplateCall, _ position: TemplatePosition
  ) throws(Problem) -> TemplateValue {
    let function = try evaluate(callee)
    let arguments = try evaluate(call)
    self.position = position
    return try self.call(function, arguments)
  }

  func call(
    _ function: TemplateValue, _ arguments: TemplateArguments
  ) throws(Problem) -> TemplateValue {
    switch function {
    case .callable(let callable):
      return try callable.body(self, callable.keepsMarkup ? arguments : arguments.plain)
    case .undefined(let reason): throw fault("\(reason.message), so it cannot be called")
    case .loop: throw fault("recursive loops are not supported")
    default: throw fault("a \(function.typeName) cannot be called")
    }
  }

  func apply(_ filter: TemplateFilterCall, to value: TemplateValue) throws(Problem) -> TemplateValue
  {
    let arguments = try evaluate(filter.call)
    position = filter.position
    return try apply(filter: filter.name, to: value, arguments)
  }

  func apply(
    filter name: String, to value: TemplateValue, _ arguments: TemplateArguments
  ) throws(Problem) -> TemplateValue {
    guard let filter = TemplateFilters.table[name] else {
      throw fault("the filter \"\(name)\" is not supported in chat templates")
    }
    if TemplateMarkup.transparentFilters.contains(name) {
      return try filter(self, value, arguments)
    }
    let result = try filter(self, value.plain, arguments.plain)
    let isMarked = name == "safe" || value.isMarkup && TemplateMarkup.keepingFilters.contains(name)
    return isMarked ? result.marked : result
  }

  private func test(
    _ name: String, _ value: TemplateValue, _ call: TemplateCall, _ position: TemplatePosition
  ) throws(Problem) -> Bool {
    let arguments = try evaluate(call)
    self.position = position
    return try test(name, value, arguments)
  }

  func test(
    _ name: String, _ value: TemplateValue, _ arguments: TemplateArguments
  ) throws(Problem) -> Bool {
    guard let test = TemplateTests.table[name] else {
      throw fault("the test \"is \(name)\" is not supported in chat templates")
    }
    return try test(self, value.plain, arguments.plain)
  }

  // MARK: Comparisons

  private func compare(
    _ first: TemplateExpression, _ rest: [(TemplateComparison, TemplateExpression)],
    _ position: TemplatePosition
  ) throws(Problem) -> TemplateValue {
    var left = try evaluate(first)
    for (comparison, expression) in rest {
      let right = try evaluate(expression)
      self.position = position
      guard try compare(left, comparison, right) else { return .bool(false) }
      left = right
    }
    return .bool(true)
  }

  func compare(
    _ left: TemplateValue, _ comparison: TemplateComparison, _ right: TemplateValue
  ) throws(Problem) -> Bool {
    let (left, right) = (left.plain, right.plain)
    try spend(min(left.weight, right.weight) / 1024)
    return switch comparison {
    case .equal: left.equals(right)
    case .notEqual: !left.equals(right)
    case .contained: try contains(right, left)
    case .notContained: !(try contains(right, left))
    case .less: try order(left, comparison, right).map { $0 < 0 } ?? false
    case .lessOrEqual: try order(left, comparison, right).map { $0 <= 0 } ?? false
    case .greater: try order(left, comparison, right).map { $0 > 0 } ?? false
    case .greaterOrEqual: try order(left, comparison, right).map { $0 >= 0 } ?? false
    }
  }

  /// nil for "not a number", which is neither below nor above anything.
  private func order(
    _ left: TemplateValue, _ comparison: TemplateComparison, _ right: TemplateValue
  ) throws(Problem) -> Int? {
    if let order = left.order(to: right) { return order }
    if left.asDouble != nil, right.asDouble != nil { return nil }
    try checkDefined(left)
    try checkDefined(right)
    throw fault(
      "a \(left.typeName) and a \(right.typeName) cannot be compared by \(comparison.rawValue)")
  }

  func checkDefined(_ value: TemplateValue) throws(Problem) {
    if case .undefined(let reason) = value { throw fault(reason.message) }
  }

  func contains(_ container: TemplateValue, _ value: TemplateValue) throws(Problem) -> Bool {
    switch container {
    case .string(let text):
      guard case .string(let part) = value else {
        throw fault("a \(value.typeName) cannot be in a str")
      }
      try spend(text.utf8.count / 1024 * (1 + part.utf8.count / 64))
      return PythonString.contains(text, part)
    case .dictionary(let dictionary):
      try checkHashable(value)
      return dictionary[value] != nil
    default:
      let elements = try elements(of: container)
      try spend(elements.count)
      return elements.contains { $0.equals(value) }
    }
  }
}
