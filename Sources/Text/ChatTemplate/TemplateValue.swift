import Formats

/// A value that a chat template computes with; behaves as the Python value that Jinja would hold.
///
/// Integers have 64 bits: arithmetic that leaves this range is a fault, not a big number.
enum TemplateValue: Sendable {
  /// Prints as nothing, counts as false; using it otherwise is a fault that names what is missing.
  case undefined(TemplateUndefined)
  case none
  case bool(Bool)
  case integer(Int)
  case float(Double)
  case string(String)
  /// A text that `safe` marked; see `TemplateMarkup`.
  case markup(String)
  case sequence(TemplateSequence)
  case dictionary(TemplateDictionary)
  /// What `map`, `select`, `items`… give: can be walked once, is always true, has no length.
  case iterator(TemplateIterator)
  case namespace(TemplateNamespace)
  case loop(TemplateLoop)
  case callable(TemplateCallable)

  static func list(_ elements: [TemplateValue]) -> TemplateValue {
    .sequence(TemplateSequence(.list, elements))
  }

  static func tuple(_ elements: [TemplateValue]) -> TemplateValue {
    .sequence(TemplateSequence(.tuple, elements))
  }

  init(_ json: JSON) {
    switch json {
    case .null: self = .none
    case .bool(let value): self = .bool(value)
    case .integer(let value): self = .integer(value)
    case .number(let value): self = .float(value)
    case .string(let value): self = .string(value)
    case .array(let elements): self = .list(elements.map(TemplateValue.init))
    case .object(let object):
      var dictionary = TemplateDictionary()
      for (key, value) in object.members { dictionary[.string(key)] = TemplateValue(value) }
      self = .dictionary(dictionary)
    }
  }

  /// How deep lists and dictionaries nest in this value. Bounded by the evaluator, so that printing,
  /// comparing and releasing a value cannot exhaust the stack.
  var depth: Int {
    switch self {
    case .sequence(let sequence): sequence.depth
    case .dictionary(let dictionary): dictionary.depth
    case .iterator(let iterator): iterator.depth
    default: 0
    }
  }

  /// About how many bytes this value prints as; what is held twice counts twice.
  ///
  /// Bounded by the evaluator as well: lists that hold each other many times are small in memory, but
  /// would print and compare without end.
  var weight: Int {
    switch self {
    case .string(let text), .markup(let text): text.utf8.count + 2
    case .sequence(let sequence): sequence.weight
    case .dictionary(let dictionary): dictionary.weight
    case .iterator(let iterator): iterator.weight
    default: 8
    }
  }

  /// Python's truth value.
  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .bool(let value): value
    case .integer(let value): value != 0
    case .float(let value): value != 0
    case .string(let value), .markup(let value): !value.isEmpty
    case .sequence(let sequence): !sequence.elements.isEmpty
    case .dictionary(let dictionary): dictionary.count > 0
    case .iterator, .namespace, .loop, .callable: true
    }
  }

  var isUndefined: Bool { if case .undefined = self { true } else { false } }

  /// The number as Python's arithmetic sees it; true and false count as 1 and 0.
  var asInteger: Int? {
    switch self {
    case .bool(let value): value ? 1 : 0
    case .integer(let value): value
    default: nil
    }
  }

  var asDouble: Double? {
    if case .float(let value) = self { return value }
    return asInteger.map(Double.init)
  }

  /// The type's name in Python, for messages that template authors know.
  var typeName: String {
    switch self {
    case .undefined: "Undefined"
    case .none: "NoneType"
    case .bool: "bool"
    case .integer: "int"
    case .float: "float"
    case .string, .markup: "str"
    case .sequence(let sequence): sequence.typeName
    case .dictionary: "dict"
    case .iterator: "generator"
    case .namespace: "Namespace"
    case .loop: "LoopContext"
    case .callable: "function"
    }
  }
}

/// Why a value is missing; becomes text only when a template uses the value.
enum TemplateUndefined: Sendable {
  case variable(String)
  case attribute(String, ofType: String)
  case because(String)

  var message: String {
    switch self {
    case .variable(let name): "\"\(name)\" is undefined"
    case .attribute(let name, let type): "a \(type) has no attribute \"\(name)\""
    case .because(let reason): reason
    }
  }
}

/// Python's list, tuple, range and the views that `keys()`, `values()` and `items()` give.
struct TemplateSequence: Sendable {
  enum Kind: Equatable, Sendable {
    case list, tuple, keys, values, items
    case range(start: Int, stop: Int, step: Int)
  }

  let kind: Kind
  let elements: [TemplateValue]
  let depth: Int
  let weight: Int

  init(_ kind: Kind, _ elements: [TemplateValue]) {
    self.kind = kind
    self.elements = elements
    (depth, weight) = elements.extent
  }

  var typeName: String {
    switch kind {
    case .list: "list"
    case .tuple: "tuple"
    case .keys: "dict_keys"
    case .values: "dict_values"
    case .items: "dict_items"
    case .range: "range"
    }
  }

  /// Views know their length and can be walked, but not indexed.
  var isIndexable: Bool {
    switch kind {
    case .list, .tuple, .range: true
    case .keys, .values, .items: false
    }
  }
}

/// A Python generator: what it has given once is gone.
///
/// One rendering owns it and runs on one thread.
final class TemplateIterator: @unchecked Sendable {
  private var elements: ArraySlice<TemplateValue>
  let depth: Int
  let weight: Int

  init(_ elements: [TemplateValue]) {
    self.elements = elements[...]
    (depth, weight) = elements.extent
  }

  func next() -> TemplateValue? { elements.popFirst() }

  func rest() -> [TemplateValue] {
    defer { elements = [] }
    return Array(elements)
  }
}

/// What `namespace(…)` makes: attributes that inner scopes may set.
///
/// One rendering owns it and runs on one thread.
final class TemplateNamespace: @unchecked Sendable {
  var attributes: [String: TemplateValue] = [:]
}

/// The `loop` variable inside a `for` body. One rendering owns it and runs on one thread.
final class TemplateLoop: @unchecked Sendable {
  let elements: [TemplateValue]
  var index = 0
  /// What `loop.changed(…)` was last called with.
  var lastChanged: TemplateValue?

  init(_ elements: [TemplateValue]) { self.elements = elements }

  func attribute(_ name: String) -> TemplateValue? {
    switch name {
    case "index": .integer(index + 1)
    case "index0": .integer(index)
    case "revindex": .integer(elements.count - index)
    case "revindex0": .integer(elements.count - index - 1)
    case "first": .bool(index == 0)
    case "last": .bool(index == elements.count - 1)
    case "length": .integer(elements.count)
    case "depth": .integer(1)
    case "depth0": .integer(0)
    case "previtem":
      index > 0 ? elements[index - 1] : .undefined(.because("there is no previous item"))
    case "nextitem":
      index + 1 < elements.count
        ? elements[index + 1] : .undefined(.because("there is no next item"))
    default: nil
    }
  }
}

/// Something that parentheses call: a function of the environment, a bound method or a macro.
final class TemplateCallable: Sendable {
  typealias Body =
    @Sendable (TemplateEvaluator, TemplateArguments) throws(Problem) -> TemplateValue

  let name: String
  /// Whether arguments reach it as `safe` marked them.
  let keepsMarkup: Bool
  let body: Body

  init(_ name: String, keepsMarkup: Bool = false, _ body: @escaping Body) {
    self.name = name
    self.keepsMarkup = keepsMarkup
    self.body = body
  }
}

extension [TemplateValue] {
  /// Depth and weight of a list of these.
  fileprivate var extent: (depth: Int, weight: Int) {
    var depth = 0
    var weight = 2
    for element in self {
      depth = Swift.max(depth, element.depth)
      weight = weight.addingSaturated(element.weight)
    }
    return (depth + 1, weight)
  }
}

extension Int {
  func addingSaturated(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
