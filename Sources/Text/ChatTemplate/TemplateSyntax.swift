/// An expression of a template, as the parser understood it.
indirect enum TemplateExpression: Sendable {
  case literal(TemplateValue)
  case name(String, TemplatePosition)
  case list([TemplateExpression])
  case tuple([TemplateExpression])
  case dictionary([(key: TemplateExpression, value: TemplateExpression)], TemplatePosition)
  /// `of.name`: the attribute, else the item.
  case attribute(of: TemplateExpression, String, TemplatePosition)
  /// `of[key]`: the item, else the attribute.
  case item(of: TemplateExpression, TemplateExpression, TemplatePosition)
  case slice(of: TemplateExpression, TemplateSlice, TemplatePosition)
  case call(TemplateExpression, TemplateCall, TemplatePosition)
  case filter(TemplateExpression, TemplateFilterCall)
  case test(TemplateExpression, name: String, TemplateCall, TemplatePosition)
  case negate(TemplateExpression, TemplatePosition)
  case plus(TemplateExpression, TemplatePosition)
  case not(TemplateExpression)
  case and(TemplateExpression, TemplateExpression)
  case or(TemplateExpression, TemplateExpression)
  case arithmetic(TemplateOperator, TemplateExpression, TemplateExpression, TemplatePosition)
  /// `a ~ b ~ c`
  case concatenate([TemplateExpression], TemplatePosition)
  /// `a < b <= c`: each operand is evaluated once.
  case compare(TemplateExpression, [(TemplateComparison, TemplateExpression)], TemplatePosition)
  /// `then if condition else otherwise`
  case conditional(
    condition: TemplateExpression, then: TemplateExpression, otherwise: TemplateExpression?)
}

enum TemplateOperator: String, Sendable {
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case floorDivide = "//"
  case remainder = "%"
  case power = "**"
}

enum TemplateComparison: String, Sendable {
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
  case contained = "in"
  case notContained = "not in"
}

/// `[start:stop:step]`, each part optional.
struct TemplateSlice: Sendable {
  var start: TemplateExpression?
  var stop: TemplateExpression?
  var step: TemplateExpression?
}

/// What stands in the parentheses of a call.
struct TemplateCall: Sendable {
  var positional: [TemplateExpression] = []
  var keyword: [(name: String, value: TemplateExpression)] = []
  /// `*list` and `**dictionary`.
  var unpackedList: TemplateExpression?
  var unpackedDictionary: TemplateExpression?
}

struct TemplateFilterCall: Sendable {
  let name: String
  let call: TemplateCall
  let position: TemplatePosition
}

/// Where `set`, `for` and `with` put a value.
indirect enum TemplateTarget: Sendable {
  case variable(String)
  /// `namespace.attribute`
  case attribute(of: String, String, TemplatePosition)
  case tuple([TemplateTarget], TemplatePosition)
}

struct TemplateParameters: Sendable {
  var names: [String] = []
  /// Defaults of the last parameters, in order.
  var defaults: [TemplateExpression] = []
}

struct TemplateMacro: Sendable {
  let name: String
  let parameters: TemplateParameters
  let body: [TemplateStatement]
  /// Jinja passes these only to macros that mention them; others refuse surplus arguments.
  let usesVarargs: Bool
  let usesKwargs: Bool
  let usesCaller: Bool
}

struct TemplateFor: Sendable {
  let target: TemplateTarget
  let sequence: TemplateExpression
  /// `for … in … if condition`
  let condition: TemplateExpression?
  let body: [TemplateStatement]
  /// What runs when there was nothing to walk.
  let otherwise: [TemplateStatement]
  let position: TemplatePosition
}

indirect enum TemplateStatement: Sendable {
  case text(String)
  case output(TemplateExpression)
  case set(TemplateTarget, TemplateExpression)
  case setBlock(TemplateTarget, filters: [TemplateFilterCall], body: [TemplateStatement])
  case conditional(
    [(condition: TemplateExpression, body: [TemplateStatement])], otherwise: [TemplateStatement])
  case loop(TemplateFor)
  case breakLoop
  case continueLoop
  case macro(TemplateMacro)
  /// `{% call(parameters) callee(…) %}body{% endcall %}`: the body becomes the argument `caller`.
  case callBlock(
    callee: TemplateExpression, TemplateCall, caller: TemplateMacro, TemplatePosition)
  case filterBlock([TemplateFilterCall], body: [TemplateStatement])
  case with([(TemplateTarget, TemplateExpression)], body: [TemplateStatement])
  /// A block with its own scope that otherwise prints as it is: `{% generation %}`.
  case scope([TemplateStatement])
}
