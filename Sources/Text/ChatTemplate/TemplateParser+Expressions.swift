import Formats

/// Expressions from the loosest binding to the tightest:
/// `x if y else z`, `or`, `and`, `not`, comparisons, `+ -`, `~`, `* / // %`, `**`, unary, postfix.
extension TemplateParser {
  mutating func expression() throws(Problem) -> TemplateExpression {
    try nested { parser throws(Problem) in try parser.conditional() }
  }

  /// One expression, or a tuple where commas follow.
  mutating func tuple(
    allowingConditional: Bool = true, endingAt end: String? = nil, inParentheses: Bool = false
  ) throws(Problem) -> TemplateExpression {
    var elements: [TemplateExpression] = []
    var isTuple = inParentheses && isNext(symbol: ")")
    while !endsTuple(endingAt: end) {
      elements.append(
        try nested { parser throws(Problem) in
          allowingConditional ? try parser.conditional() : try parser.or()
        })
      guard skip(symbol: ",") else { break }
      isTuple = true
    }
    if isTuple { return .tuple(elements) }
    guard let first = elements.first else {
      throw fault("found \"\(current.description)\", expected an expression")
    }
    return first
  }

  private func endsTuple(endingAt end: String?) -> Bool {
    switch current.kind {
    case .expressionEnd, .tagEnd, .symbol(")"): true
    case .name(let name): name == end
    default: false
    }
  }

  private mutating func conditional() throws(Problem) -> TemplateExpression {
    var result = try or()
    while skip(word: "if") {
      let condition = try or()
      let otherwise = skip(word: "else") ? try expression() : nil
      result = .conditional(condition: condition, then: result, otherwise: otherwise)
    }
    return result
  }

  private mutating func or() throws(Problem) -> TemplateExpression {
    var left = try and()
    while skip(word: "or") { left = .or(left, try and()) }
    return left
  }

  private mutating func and() throws(Problem) -> TemplateExpression {
    var left = try not()
    while skip(word: "and") { left = .and(left, try not()) }
    return left
  }

  private mutating func not() throws(Problem) -> TemplateExpression {
    guard skip(word: "not") else { return try comparison() }
    return .not(try nested { parser throws(Problem) in try parser.not() })
  }

  private mutating func comparison() throws(Problem) -> TemplateExpression {
    let position = current.position
    let first = try sum()
    var rest: [(TemplateComparison, TemplateExpression)] = []
    while let comparison = comparisonOperator() { rest.append((comparison, try sum())) }
    return rest.isEmpty ? first : .compare(first, rest, position)
  }

  private mutating func comparisonOperator() -> TemplateComparison? {
    switch current.kind {
    case .symbol(let symbol):
      guard let comparison = TemplateComparison(rawValue: symbol) else { return nil }
      advance()
      return comparison
    case .name("in"):
      advance()
      return .contained
    case .name("not") where following.kind == .name("in"):
      advance()
      advance()
      return .notContained
    default: return nil
    }
  }

  private mutating func arithmetic(
    _ symbols: [TemplateOperator],
    _ operand: (inout TemplateParser) throws(Problem) -> TemplateExpression
  ) throws(Problem) -> TemplateExpression {
    var left = try operand(&self)
    while case .symbol(let symbol) = current.kind,
      let operation = TemplateOperator(rawValue: symbol), symbols.contains(operation)
    {
      let position = current.position
      advance()
      left = .arithmetic(operation, left, try operand(&self), position)
    }
    return left
  }

  private mutating func sum() throws(Problem) -> TemplateExpression {
    try arithmetic([.add, .subtract]) { parser throws(Problem) in try parser.concatenation() }
  }

  private mutating func concatenation() throws(Problem) -> TemplateExpression {
    let position = current.position
    var parts = [try product()]
    while skip(symbol: "~") { parts.append(try product()) }
    return parts.count == 1 ? parts[0] : .concatenate(parts, position)
  }

  private mutating func product() throws(Problem) -> TemplateExpression {
    try arithmetic([.multiply, .divide, .floorDivide, .remainder]) { parser throws(Problem) in
      // Jinja's power is left-associative, unlike Python's.
      try parser.arithmetic([.power]) { parser throws(Problem) in try parser.unary() }
    }
  }

  private mutating func unary(withFilters: Bool = true) throws(Problem) -> TemplateExpression {
    let position = current.position
    var result: TemplateExpression
    if skip(symbol: "-") {
      let operand = try nested { parser throws(Problem) in try parser.unary(withFilters: false) }
      result = .negate(operand, position)
    } else if skip(symbol: "+") {
      let operand = try nested { parser throws(Problem) in try parser.unary(withFilters: false) }
      result = .plus(operand, position)
    } else {
      result = try primary()
    }
    result = try postfix(result, position)
    return withFilters ? try filtersAndTests(result, position) : result
  }

  // MARK: Primaries

  private mutating func primary() throws(Problem) -> TemplateExpression {
    let token = current
    switch token.kind {
    case .name(let name):
      advance()
      switch name {
      case "true", "True": return .literal(.bool(true))
      case "false", "False": return .literal(.bool(false))
      case "none", "None": return .literal(.none)
      default:
        for index in mentionedNames.indices { mentionedNames[index].insert(name) }
        return .name(name, token.position)
      }
    case .string: return .literal(.string(adjacentStrings()))
    case .integer(let value):
      advance()
      return .literal(.integer(value))
    case .float(let value):
      advance()
      return .literal(.float(value))
    case .symbol("("):
      advance()
      let inner = try nested { parser throws(Problem) in try parser.tuple(inParentheses: true) }
      try expect(.symbol(")"))
      return inner
    case .symbol("["): return .list(try elements(upTo: "]"))
    case .symbol("{"): return try dictionary()
    default: throw fault("found \"\(token.description)\", expected an expression")
    }
  }

  /// `"a" "b"` is one string, as in Python.
  private mutating func adjacentStrings() -> String {
    var text = ""
    while case .string(let part) = current.kind {
      text += part
      advance()
    }
    return text
  }

  private mutating func elements(upTo end: String) throws(Problem) -> [TemplateExpression] {
    advance()
    var elements: [TemplateExpression] = []
    while !isNext(symbol: end) {
      elements.append(try expression())
      guard skip(symbol: ",") else { break }
    }
    try expect(.symbol(end))
    return elements
  }

  private mutating func dictionary() throws(Problem) -> TemplateExpression {
    let position = current.position
    advance()
    var members: [(key: TemplateExpression, value: TemplateExpression)] = []
    while !isNext(symbol: "}") {
      let key = try expression()
      try expect(.symbol(":"))
      members.append((key, try expression()))
      guard skip(symbol: ",") else { break }
    }
    try expect(.symbol("}"))
    return .dictionary(members, position)
  }

  // MARK: What follows a primary

  /// Attributes, items and calls after a primary, which begins at `position`; calls are reported there.
  private mutating func postfix(
    _ start: TemplateExpression, _ position: TemplatePosition
  ) throws(Problem) -> TemplateExpression {
    var result = start
    while true {
      switch current.kind {
      case .symbol("."): result = try attribute(of: result)
      case .symbol("["): result = try subscripted(result)
      case .symbol("("): result = .call(result, try call(), position)
      default: return result
      }
    }
  }

  private mutating func filtersAndTests(
    _ start: TemplateExpression, _ position: TemplatePosition
  ) throws(Problem) -> TemplateExpression {
    var result = start
    while true {
      switch current.kind {
      case .symbol("|"):
        advance()
        result = .filter(result, try filterCall())
      case .name("is"): result = try test(of: result)
      case .symbol("("): result = .call(result, try call(), position)
      default: return result
      }
    }
  }

  private mutating func attribute(of owner: TemplateExpression) throws(Problem)
    -> TemplateExpression
  {
    advance()
    let position = current.position
    switch current.kind {
    case .name(let name):
      advance()
      return .attribute(of: owner, name, position)
    case .integer(let index):
      advance()
      return .item(of: owner, .literal(.integer(index)), position)
    default: throw fault("found \"\(current.description)\", expected a name or a number")
    }
  }

  private mutating func subscripted(_ owner: TemplateExpression) throws(Problem)
    -> TemplateExpression
  {
    let position = current.position
    advance()
    if isNext(symbol: ":") {
      return try slice(of: owner, from: nil, position)
    }
    let key = try tuple(endingAt: nil)
    if isNext(symbol: ":") { return try slice(of: owner, from: key, position) }
    try expect(.symbol("]"))
    return .item(of: owner, key, position)
  }

  private mutating func slice(
    of owner: TemplateExpression, from start: TemplateExpression?, _ position: TemplatePosition
  ) throws(Problem) -> TemplateExpression {
    advance()
    var slice = TemplateSlice(start: start)
    if !isNext(symbol: ":"), !isNext(symbol: "]") { slice.stop = try expression() }
    if skip(symbol: ":"), !isNext(symbol: "]") { slice.step = try expression() }
    try expect(.symbol("]"))
    return .slice(of: owner, slice, position)
  }

  mutating func filterCall() throws(Problem) -> TemplateFilterCall {
    let position = current.position
    let name = try expectName()
    guard TemplateFilters.table[name] != nil else {
      throw fault("the filter \"\(name)\" is not supported in chat templates", at: position)
    }
    let call = isNext(symbol: "(") ? try call() : TemplateCall()
    return TemplateFilterCall(name: name, call: call, position: position)
  }

  private mutating func test(of value: TemplateExpression) throws(Problem) -> TemplateExpression {
    advance()
    let isNegated = skip(word: "not")
    let position = current.position
    let name = try expectName()
    guard TemplateTests.table[name] != nil else {
      throw fault("the test \"is \(name)\" is not supported in chat templates", at: position)
    }
    let result = TemplateExpression.test(value, name: name, try testCall(), position)
    return isNegated ? .not(result) : result
  }

  /// `is divisibleby(3)` or `is divisibleby 3`.
  private mutating func testCall() throws(Problem) -> TemplateCall {
    switch current.kind {
    case .symbol("("): return try call()
    case .name("else"), .name("or"), .name("and"): return TemplateCall()
    case .name("is"): throw fault("tests cannot be chained; join them with \"and\"")
    case .name, .string, .integer, .float, .symbol("["), .symbol("{"):
      let position = current.position
      return TemplateCall(positional: [try postfix(try primary(), position)])
    default: return TemplateCall()
    }
  }

  private mutating func call() throws(Problem) -> TemplateCall {
    try expect(.symbol("("))
    var call = TemplateCall()
    while !isNext(symbol: ")") {
      try argument(of: &call)
      guard skip(symbol: ",") else { break }
    }
    try expect(.symbol(")"))
    return call
  }

  private mutating func argument(of call: inout TemplateCall) throws(Problem) {
    let isLast = call.unpackedDictionary != nil
    if !isLast, call.unpackedList == nil, skip(symbol: "*") {
      call.unpackedList = try expression()
    } else if !isLast, skip(symbol: "**") {
      call.unpackedDictionary = try expression()
    } else if !isLast, case .name(let name) = current.kind, following.kind == .symbol("=") {
      advance()
      advance()
      call.keyword.append((name, try expression()))
    } else if !isLast, call.unpackedList == nil, call.keyword.isEmpty {
      call.positional.append(try expression())
    } else {
      throw fault("a plain argument must stand before named and unpacked ones")
    }
  }
}
