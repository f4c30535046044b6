import Formats

/// Builds the syntax tree of a template; the grammar is Jinja's, statements first.
///
/// Nesting is bounded, so that no template can exhaust the stack here or in the evaluator.
struct TemplateParser {
  /// Brackets, blocks and chains of operators inside each other.
  static let maximumDepth = 100

  let name: String
  let tokens: [TemplateToken]
  var index = 0
  var depth = 0
  /// Names that macro bodies around the current place mention.
  var mentionedNames: [Set<String>] = []
  var loopDepth = 0
  /// Where the blocks around the current place begin.
  private var openTags: [TemplatePosition] = []

  private init(name: String, tokens: [TemplateToken]) {
    self.name = name
    self.tokens = tokens
  }

  static func parse(_ source: String, name: String) throws(Problem) -> [TemplateStatement] {
    var parser = TemplateParser(
      name: name, tokens: try TemplateLexer.tokens(of: source, name: name))
    return try parser.statements(until: [])
  }

  // MARK: Tokens

  var current: TemplateToken { tokens[index] }
  var following: TemplateToken { tokens[min(index + 1, tokens.count - 1)] }

  /// The last token is `.end`, which is never passed.
  mutating func advance() { if index + 1 < tokens.count { index += 1 } }

  func isNext(symbol: String) -> Bool { current.kind == .symbol(symbol) }
  func isNext(word: String) -> Bool { current.kind == .name(word) }

  mutating func skip(symbol: String) -> Bool {
    guard isNext(symbol: symbol) else { return false }
    advance()
    return true
  }

  mutating func skip(word: String) -> Bool {
    guard isNext(word: word) else { return false }
    advance()
    return true
  }

  mutating func expect(_ kind: TemplateToken.Kind) throws(Problem) {
    guard current.kind == kind else {
      let expected = TemplateToken(kind: kind, position: current.position).description
      throw fault("found \"\(current.description)\", expected \"\(expected)\"")
    }
    advance()
  }

  mutating func expectName() throws(Problem) -> String {
    guard case .name(let name) = current.kind else {
      throw fault("found \"\(current.description)\", expected a name")
    }
    advance()
    return name
  }

  func fault(_ sentence: String, at position: TemplatePosition? = nil) -> Problem {
    let place = position ?? current.position
    return Problem("\(name):\(place.line):\(place.column)", sentence)
  }

  /// Runs `body` one level deeper.
  mutating func nested<Result>(
    _ body: (inout TemplateParser) throws(Problem) -> Result
  ) throws(Problem) -> Result {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maximumDepth else {
      throw fault("nested deeper than \(Self.maximumDepth) levels")
    }
    return try body(&self)
  }

  // MARK: Statements

  /// Statements up to a tag that starts with one of `words`, which is left as the current token;
  /// with no words, up to the end of the template.
  mutating func statements(until words: [String]) throws(Problem) -> [TemplateStatement] {
    var result: [TemplateStatement] = []
    while true {
      switch current.kind {
      case .text(let text):
        result.append(.text(text))
        advance()
      case .expressionStart:
        advance()
        result.append(.output(try tuple()))
        try expect(.expressionEnd)
      case .tagStart:
        if case .name(let word) = following.kind, words.contains(word) {
          advance()
          return result
        }
        result += try statement()
      default:
        guard words.isEmpty else {
          let expected = words.map { "{% \($0) %}" }.joined(separator: " or ")
          throw fault("the template ends before \(expected)", at: openTags.last)
        }
        return result
      }
    }
  }

  /// The inside of a block: from the end of its opening tag to the end of its closing tag.
  mutating func block(until word: String) throws(Problem) -> [TemplateStatement] {
    let body = try blockBody(until: [word])
    advance()
    try expect(.tagEnd)
    return body
  }

  private mutating func blockBody(until words: [String]) throws(Problem) -> [TemplateStatement] {
    try expect(.tagEnd)
    return try nested { parser throws(Problem) in try parser.statements(until: words) }
  }

  private mutating func statement() throws(Problem) -> [TemplateStatement] {
    let position = current.position
    openTags.append(position)
    defer { openTags.removeLast() }
    advance()
    let keyword = try expectName()
    switch keyword {
    case "set": return [try setStatement()]
    case "if": return [try ifStatement()]
    case "for": return [try forStatement(position)]
    case "macro": return [try macroStatement()]
    case "call": return [try callStatement(position)]
    case "filter": return [try filterStatement()]
    case "with": return [try withStatement()]
    case "generation": return [.scope(try block(until: "endgeneration"))]
    case "print": return try printStatement()
    case "break", "continue":
      guard loopDepth > 0 else {
        throw fault("{% \(keyword) %} stands outside of a loop", at: position)
      }
      try expect(.tagEnd)
      return [keyword == "break" ? .breakLoop : .continueLoop]
    default:
      if keyword.hasPrefix("end") || keyword == "else" || keyword == "elif" {
        throw fault("{% \(keyword) %} closes no block", at: position)
      }
      throw fault("the tag {% \(keyword) %} is not supported in chat templates", at: position)
    }
  }

  private mutating func printStatement() throws(Problem) -> [TemplateStatement] {
    var result: [TemplateStatement] = []
    while current.kind != .tagEnd {
      if !result.isEmpty { try expect(.symbol(",")) }
      result.append(.output(try expression()))
    }
    try expect(.tagEnd)
    return result
  }

  private mutating func setStatement() throws(Problem) -> TemplateStatement {
    let target = try target(allowingAttribute: true)
    if skip(symbol: "=") {
      let value = try tuple()
      try expect(.tagEnd)
      return .set(target, value)
    }
    var filters: [TemplateFilterCall] = []
    while skip(symbol: "|") { filters.append(try filterCall()) }
    return .setBlock(target, filters: filters, body: try block(until: "endset"))
  }

  private mutating func ifStatement() throws(Problem) -> TemplateStatement {
    var branches: [(condition: TemplateExpression, body: [TemplateStatement])] = []
    var otherwise: [TemplateStatement] = []
    while true {
      let condition = try tuple(allowingConditional: false)
      branches.append((condition, try blockBody(until: ["elif", "else", "endif"])))
      let word = try expectName()
      if word == "elif" { continue }
      if word == "else" {
        otherwise = try block(until: "endif")
      } else {
        try expect(.tagEnd)
      }
      return .conditional(branches, otherwise: otherwise)
    }
  }

  private mutating func forStatement(_ position: TemplatePosition) throws(Problem)
    -> TemplateStatement
  {
    let target = try target(endingAt: "in")
    try expect(.name("in"))
    let sequence = try tuple(allowingConditional: false, endingAt: "recursive")
    let condition = skip(word: "if") ? try expression() : nil
    if isNext(word: "recursive") { throw fault("recursive loops are not supported") }
    loopDepth += 1
    let body = try blockBody(until: ["endfor", "else"])
    loopDepth -= 1
    var otherwise: [TemplateStatement] = []
    if try expectName() == "else" {
      otherwise = try block(until: "endfor")
    } else {
      try expect(.tagEnd)
    }
    return .loop(
      TemplateFor(
        target: target, sequence: sequence, condition: condition, body: body,
        otherwise: otherwise, position: position))
  }

  private mutating func filterStatement() throws(Problem) -> TemplateStatement {
    var filters = [try filterCall()]
    while skip(symbol: "|") { filters.append(try filterCall()) }
    return .filterBlock(filters, body: try block(until: "endfilter"))
  }

  private mutating func withStatement() throws(Problem) -> TemplateStatement {
    var bindings: [(TemplateTarget, TemplateExpression)] = []
    while current.kind != .tagEnd {
      if !bindings.isEmpty { try expect(.symbol(",")) }
      let target = try target(endingAt: "=")
      try expect(.symbol("="))
      bindings.append((target, try expression()))
    }
    return .with(bindings, body: try block(until: "endwith"))
  }

  // MARK: Macros

  private mutating func macroStatement() throws(Problem) -> TemplateStatement {
    let name = try expectName()
    let parameters = try parameters()
    return .macro(try macro(named: name, parameters, until: "endmacro"))
  }

  private mutating func callStatement(_ position: TemplatePosition) throws(Problem)
    -> TemplateStatement
  {
    let parameters = isNext(symbol: "(") ? try parameters() : TemplateParameters()
    guard case .call(let callee, let call, _) = try expression() else {
      throw fault("{% call %} needs a call such as name(…)", at: position)
    }
    let caller = try macro(named: "caller", parameters, until: "endcall")
    return .callBlock(callee: callee, call, caller: caller, position)
  }

  private mutating func macro(
    named name: String, _ parameters: TemplateParameters, until word: String
  ) throws(Problem) -> TemplateMacro {
    mentionedNames.append([])
    let outerLoops = loopDepth
    loopDepth = 0
    let body = try block(until: word)
    loopDepth = outerLoops
    let mentioned = mentionedNames.removeLast()
    return TemplateMacro(
      name: name, parameters: parameters, body: body,
      usesVarargs: mentioned.contains("varargs"), usesKwargs: mentioned.contains("kwargs"),
      usesCaller: mentioned.contains("caller"))
  }

  private mutating func parameters() throws(Problem) -> TemplateParameters {
    try expect(.symbol("("))
    var parameters = TemplateParameters()
    while !isNext(symbol: ")") {
      if !parameters.names.isEmpty { try expect(.symbol(",")) }
      parameters.names.append(try expectName())
      if skip(symbol: "=") {
        parameters.defaults.append(try expression())
      } else if !parameters.defaults.isEmpty {
        throw fault("a parameter without a default follows one with a default")
      }
    }
    advance()
    return parameters
  }

  // MARK: Targets

  private mutating func target(
    endingAt end: String = "", allowingAttribute: Bool = false
  ) throws(Problem) -> TemplateTarget {
    let position = current.position
    var targets: [TemplateTarget] = []
    var isTuple = false
    while !isNext(word: end), !isNext(symbol: end), current.kind != .tagEnd, !isNext(symbol: ")") {
      targets.append(try singleTarget(allowingAttribute: allowingAttribute))
      guard skip(symbol: ",") else { break }
      isTuple = true
    }
    guard let first = targets.first else {
      throw fault("found \"\(current.description)\", expected a name to assign to")
    }
    return isTuple ? .tuple(targets, position) : first
  }

  private mutating func singleTarget(allowingAttribute: Bool) throws(Problem) -> TemplateTarget {
    if skip(symbol: "(") {
      let inner = try nested { parser throws(Problem) in
        try parser.target(allowingAttribute: allowingAttribute)
      }
      try expect(.symbol(")"))
      return inner
    }
    let position = current.position
    let name = try expectName()
    guard !["true", "false", "none", "True", "False", "None"].contains(name) else {
      throw fault("\"\(name)\" cannot be assigned to", at: position)
    }
    if allowingAttribute, skip(symbol: ".") {
      return .attribute(of: name, try expectName(), position)
    }
    return .variable(name)
  }
}
