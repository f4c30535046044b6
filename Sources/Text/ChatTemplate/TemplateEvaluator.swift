import Formats

/// Renders one conversation: walks the syntax tree of a template once.
///
/// A template is a program from outside, so everything it can grow is bounded: steps, the size of
/// texts and lists, nesting of calls and values. It can read nothing but the variables it is given.
final class TemplateEvaluator {
  struct Limits: Sendable {
    /// Statements and expressions evaluated, not counting a share for the size of the conversation.
    var steps = 20_000_000
    /// UTF-8 bytes of one text or of a printed list, the rendered text included.
    var textBytes = 1 << 28
    /// Elements of one list.
    var elements = 10_000_000
    /// Nested expressions, blocks and macro calls.
    var depth = 600
    /// Lists and dictionaries inside each other.
    var valueDepth = 300
  }

  let name: String
  let limits: Limits
  /// Seconds since 1970 that `strftime_now` shows.
  let now: Int
  /// What is being evaluated, for messages.
  var position = TemplatePosition(line: 1, column: 1)
  var scope: TemplateScope
  private var output = ""
  private var stepsLeft: Int
  private var depth = 0
  /// Emptied at the end, because macros and namespaces can hold each other.
  private var scopes: [TemplateScope] = []
  private var namespaces: [TemplateNamespace] = []

  /// - Parameters:
  ///   - name: What messages call the template.
  ///   - variables: `messages`, `bos_token` and whatever else the template may read.
  ///   - now: Seconds since 1970 that `strftime_now` shows.
  ///   - limits: How much the template may do.
  init(
    name: String, variables: [String: TemplateValue], now: Int, limits: Limits = Limits()
  ) {
    self.name = name
    self.limits = limits
    self.now = now
    self.stepsLeft = limits.steps + variables.values.reduce(0) { $0 + $1.weight / 8 }
    self.scope = TemplateScope(parent: TemplateScope(variables: TemplateFunctions.globals))
    scope.variables = variables
  }

  func render(_ statements: [TemplateStatement]) throws(Problem) -> String {
    defer {
      for scope in scopes { scope.variables = [:] }
      for namespace in namespaces { namespace.attributes = [:] }
    }
    scopes.append(scope)
    _ = try run(statements)
    return output
  }

  func fault(_ sentence: String) -> Problem {
    Problem("\(name):\(position.line):\(position.column)", sentence)
  }

  /// Counts a step and a level of nesting; every recursion of the evaluator passes here.
  func enter() throws(Problem) {
    try spend(1)
    depth += 1
    guard depth <= limits.depth else {
      throw fault("the template nests or recurses deeper than \(limits.depth) levels")
    }
  }

  func leave() { depth -= 1 }

  /// Work that a single step does beyond its constant part, such as walking a list.
  func spend(_ count: Int) throws(Problem) {
    stepsLeft -= count
    guard stepsLeft >= 0 else {
      throw fault("the template did not end within \(limits.steps) steps")
    }
  }

  func makeNamespace() -> TemplateNamespace {
    let namespace = TemplateNamespace()
    namespaces.append(namespace)
    return namespace
  }

  // MARK: Statements

  enum Flow { case normal, breakLoop, continueLoop }

  func run(_ statements: [TemplateStatement]) throws(Problem) -> Flow {
    try enter()
    defer { leave() }
    for statement in statements {
      let flow = try run(statement)
      if flow != .normal { return flow }
    }
    return .normal
  }

  private func run(_ statement: TemplateStatement) throws(Problem) -> Flow {
    switch statement {
    case .text(let text): try write(text)
    case .output(let expression): try write(PythonText.text(try evaluate(expression)))
    case .set(let target, let expression): try assign(try evaluate(expression), to: target)
    case .setBlock(let target, let filters, let body):
      try assign(try filtered(body, filters), to: target)
    case .conditional(let branches, let otherwise):
      for branch in branches where try evaluate(branch.condition).isTrue {
        return try run(branch.body)
      }
      return try run(otherwise)
    case .loop(let loop): try run(loop)
    case .breakLoop: return .breakLoop
    case .continueLoop: return .continueLoop
    case .macro(let macro): scope.variables[macro.name] = callable(macro)
    case .callBlock(let callee, let call, let caller, let position):
      try run(callee, call, caller: caller, position)
    case .filterBlock(let filters, let body):
      try write(PythonText.text(try filtered(body, filters)))
    case .with(let bindings, let body): return try run(body, with: bindings)
    case .scope(let body): return try inScope { () throws(Problem) in try run(body) }
    }
    return .normal
  }

  private func write(_ text: String) throws(Problem) {
    guard output.utf8.count + text.utf8.count <= limits.textBytes else { throw tooLong() }
    output += text
  }

  func tooLong() -> Problem {
    fault("the template makes a text of more than \(limits.textBytes) bytes")
  }

  /// Runs `body` with its own variables.
  private func inScope<Result>(_ body: () throws(Problem) -> Result) throws(Problem) -> Result {
    let outer = scope
    scope = TemplateScope(parent: outer)
    defer { scope = outer }
    return try body()
  }

  /// What `body` writes, instead of writing it.
  private func capture(_ body: [TemplateStatement]) throws(Problem) -> String {
    let outer = output
    output = ""
    defer { output = outer }
    _ = try inScope { () throws(Problem) in try run(body) }
    return output
  }

  private func filtered(
    _ body: [TemplateStatement], _ filters: [TemplateFilterCall]
  ) throws(Problem) -> TemplateValue {
    var value = TemplateValue.string(try capture(body))
    for filter in filters { value = try apply(filter, to: value) }
    return value
  }

  private func run(
    _ body: [TemplateStatement], with bindings: [(TemplateTarget, TemplateExpression)]
  ) throws(Problem) -> Flow {
    // The values see the outer variables, not each other.
    var values: [TemplateValue] = []
    for binding in bindings { values.append(try evaluate(binding.1)) }
    return try inScope { () throws(Problem) in
      for (binding, value) in zip(bindings, values) { try assign(value, to: binding.0) }
      return try run(body)
    }
  }

  private func run(_ loop: TemplateFor) throws(Problem) {
    position = loop.position
    var elements = try elements(of: try evaluate(loop.sequence))
    if let condition = loop.condition {
      elements = try self.elements(elements, of: loop, where: condition)
    }
    // As in Jinja, an iteration left by break or continue does not count as one.
    if try !runIterations(of: loop, over: elements) {
      _ = try inScope { () throws(Problem) in try run(loop.otherwise) }
    }
  }

  /// Whether any iteration came to its end.
  private func runIterations(
    of loop: TemplateFor, over elements: [TemplateValue]
  ) throws(Problem) -> Bool {
    let state = TemplateLoop(elements)
    let outer = scope
    var anyEnded = false
    defer { scope = outer }
    for (index, element) in elements.enumerated() {
      state.index = index
      scope = TemplateScope(parent: outer)
      scope.variables["loop"] = .loop(state)
      position = loop.position
      try assign(element, to: loop.target)
      let flow = try run(loop.body)
      if flow == .normal { anyEnded = true }
      if flow == .breakLoop { break }
    }
    return anyEnded
  }

  private func elements(
    _ elements: [TemplateValue], of loop: TemplateFor, where condition: TemplateExpression
  ) throws(Problem) -> [TemplateValue] {
    try inScope { () throws(Problem) in
      var result: [TemplateValue] = []
      for element in elements {
        try assign(element, to: loop.target)
        if try evaluate(condition).isTrue { result.append(element) }
      }
      return result
    }
  }

  // MARK: Variables

  func value(of name: String) -> TemplateValue {
    var current: TemplateScope? = scope
    while let scope = current {
      if let value = scope.variables[name] { return value }
      current = scope.parent
    }
    return .undefined(.variable(name))
  }

  private func assign(_ value: TemplateValue, to target: TemplateTarget) throws(Problem) {
    switch target {
    case .variable(let name): scope.variables[name] = value
    case .attribute(let owner, let attribute, let position):
      self.position = position
      guard case .namespace(let namespace) = self.value(of: owner) else {
        throw fault("\"\(owner)\" is not a namespace, so \"\(attribute)\" cannot be set on it")
      }
      guard !attribute.hasPrefix("_") else {
        throw fault("a namespace has no attributes that start with \"_\"")
      }
      namespace.attributes[attribute] = value
    case .tuple(let targets, let position):
      self.position = position
      let values = try elements(of: value)
      guard values.count == targets.count else {
        throw fault("\(values.count) values for \(targets.count) names")
      }
      for (value, target) in zip(values, targets) { try assign(value, to: target) }
    }
  }

  // MARK: Macros

  private func callable(_ macro: TemplateMacro) -> TemplateValue {
    let home = scope
    scopes.append(home)
    return .callable(
      TemplateCallable(macro.name, keepsMarkup: true) { evaluator, arguments throws(Problem) in
        .string(try evaluator.call(macro, arguments, in: home))
      })
  }

  private func call(
    _ macro: TemplateMacro, _ arguments: TemplateArguments, in home: TemplateScope
  ) throws(Problem) -> String {
    let caller = scope
    scope = TemplateScope(parent: home)
    defer { scope = caller }
    try bind(arguments, to: macro)
    return try capture(macro.body)
  }

  private func bind(_ arguments: TemplateArguments, to macro: TemplateMacro) throws(Problem) {
    let names = macro.parameters.names
    var keyword = arguments.keyword
    for (index, name) in names.enumerated() {
      if index < arguments.positional.count {
        scope.variables[name] = arguments.positional[index]
      } else if let given = keyword.firstIndex(where: { $0.name == name }) {
        scope.variables[name] = keyword.remove(at: given).value
      } else if index >= names.count - macro.parameters.defaults.count {
        let first = names.count - macro.parameters.defaults.count
        scope.variables[name] = try evaluate(macro.parameters.defaults[index - first])
      } else {
        scope.variables[name] = .undefined(.because("the parameter \"\(name)\" was not given"))
      }
    }
    try bindSurplus(arguments.positional.dropFirst(names.count), keyword, to: macro)
  }

  private func bindSurplus(
    _ positional: ArraySlice<TemplateValue>, _ keyword: [(name: String, value: TemplateValue)],
    to macro: TemplateMacro
  ) throws(Problem) {
    var keyword = keyword
    if macro.usesCaller {
      let index = keyword.firstIndex { $0.name == "caller" }
      scope.variables["caller"] =
        index.map { keyword.remove(at: $0).value }
        ?? .undefined(.because("the macro was not called by {% call %}"))
    }
    if macro.usesKwargs {
      var dictionary = TemplateDictionary()
      for (name, value) in keyword { dictionary[.string(name)] = value }
      scope.variables["kwargs"] = .dictionary(dictionary)
    } else if let surplus = keyword.first {
      throw fault("the macro \"\(macro.name)\" has no parameter \"\(surplus.name)\"")
    }
    if macro.usesVarargs {
      scope.variables["varargs"] = .tuple(Array(positional))
    } else if !positional.isEmpty {
      throw fault(
        "the macro \"\(macro.name)\" takes at most \(macro.parameters.names.count) arguments")
    }
  }

  private func run(
    _ callee: TemplateExpression, _ call: TemplateCall, caller: TemplateMacro,
    _ position: TemplatePosition
  ) throws(Problem) {
    let function = try evaluate(callee)
    var arguments = try evaluate(call)
    arguments.keyword.append(("caller", callable(caller)))
    self.position = position
    try write(PythonText.text(try self.call(function, arguments)))
  }
}

/// Variables of a block. One rendering owns it and runs on one thread.
final class TemplateScope: @unchecked Sendable {
  var variables: [String: TemplateValue]
  let parent: TemplateScope?

  init(parent: TemplateScope? = nil, variables: [String: TemplateValue] = [:]) {
    self.parent = parent
    self.variables = variables
  }
}
