import Formats

/// One key of the recipe. The declaration is the documentation:
///
///     @Key("Rank r of the low-rank factors A [r, in] and B [out, r].", .in(1...1024))
///     package var rank = 8
///
/// The property name in snake_case is the JSON key, the initial value is the default and its type.
/// The loader, its error sentences, the JSON schema, `Docs/recipes.md` and `recipe explain` are all
/// made from these lines; nothing about a key is written anywhere else.
@propertyWrapper
package struct Key<Value: RecipeValue> {
  private let help: String
  private let rules: [KeyRule]
  private let initial: Value
  private var cell: Cell

  /// Where the value lives while a recipe is being read: reflection finds keys but cannot write
  /// through them. After that the cell is never changed in place, so recipes are plain values.
  private final class Cell {
    var value: Value
    init(_ value: Value) { self.value = value }
  }

  package init(wrappedValue: Value, _ help: String, _ rules: KeyRule...) {
    self.help = help
    self.rules = rules
    initial = wrappedValue
    cell = Cell(wrappedValue)
  }

  package var wrappedValue: Value {
    get { cell.value }
    set { cell = Cell(newValue) }
  }
}

/// What the loader and the documentation see of a `Key`, whatever its type.
protocol RecipeKey {
  var json: JSON { get }
  func declaration(_ name: String) -> KeyDeclaration
  /// Takes the value over when it is of the right type and within bounds; else tells why not.
  func read(_ json: JSON, at place: String, problems: inout [String])
}

extension Key: RecipeKey {
  var json: JSON { cell.value.json }

  func declaration(_ name: String) -> KeyDeclaration {
    KeyDeclaration(
      name: name, help: help, rules: rules, expectation: expectation, takesText: Value.takesText,
      schema: Value.schema, initial: initial.json)
  }

  func read(_ json: JSON, at place: String, problems: inout [String]) {
    let known = problems.count
    guard let value = Value.read(json, at: place, expecting: expectation, problems: &problems)
    else { return }
    if let magnitude = value.magnitude, let bounds, !bounds.contains(magnitude) {
      problems.append("\(place): found \(json.text()), expected \(expectation)")
    }
    if isRequired, value.saysNothing {
      problems.append("\(place): found an empty value, expected \(expectation)")
    }
    if problems.count == known { cell.value = value }
  }

  private var bounds: Bounds? { rules.lazy.compactMap(\.bounds).first }
  private var isRequired: Bool { rules.contains { $0.isRequired } }

  private var expectation: String {
    guard let bounds else { return Value.expectation() }
    return Value.expectation(bounds.phrase)
  }
}

/// What a key demands beyond its type, or tells beyond its help.
package enum KeyRule: Sendable {
  case within(Bounds)
  /// The initial value is no default: a recipe must give this key, and not empty.
  case required
  /// What other tools call this key; whoever writes one of these is told our name.
  case known(as: [String])
  /// A resumed run may change it: the bits of the adapter do not depend on it.
  case freeOnResume

  package static func `in`(_ range: ClosedRange<Double>) -> KeyRule {
    .within(Bounds(lower: range.lowerBound, upper: range.upperBound))
  }
  package static func `in`(_ range: Range<Double>) -> KeyRule {
    .within(Bounds(lower: range.lowerBound, upper: range.upperBound, upperIsOpen: true))
  }
  package static func atLeast(_ lower: Double) -> KeyRule { .within(Bounds(lower: lower)) }
  package static func above(_ lower: Double, upTo upper: Double? = nil) -> KeyRule {
    .within(Bounds(lower: lower, upper: upper, lowerIsOpen: true))
  }
  package static func elsewhere(_ names: String...) -> KeyRule { .known(as: names) }

  var bounds: Bounds? { if case .within(let bounds) = self { bounds } else { nil } }
  var isRequired: Bool { if case .required = self { true } else { false } }
  var isFreeOnResume: Bool { if case .freeOnResume = self { true } else { false } }
  var otherNames: [String] { if case .known(let names) = self { names } else { [] } }
}

/// The interval that a number must lie in.
package struct Bounds: Sendable {
  let lower: Double
  var upper: Double?
  var lowerIsOpen = false
  var upperIsOpen = false

  func contains(_ value: Double) -> Bool {
    guard lowerIsOpen ? value > lower : value >= lower else { return false }
    guard let upper else { return true }
    return upperIsOpen ? value < upper : value <= upper
  }

  /// Completes "a whole number …".
  var phrase: String {
    let low = plain(lower)
    guard let upper = upper.map(plain) else {
      return lowerIsOpen ? "above \(low)" : "of at least \(low)"
    }
    if lowerIsOpen { return "above \(low) and \(upperIsOpen ? "below" : "up to") \(upper)" }
    return upperIsOpen ? "of at least \(low) and below \(upper)" : "from \(low) to \(upper)"
  }

  /// As the keywords of JSON Schema.
  var schema: [(key: String, value: JSON)] {
    var members = [(key: lowerIsOpen ? "exclusiveMinimum" : "minimum", value: number(lower))]
    if let upper {
      members.append((key: upperIsOpen ? "exclusiveMaximum" : "maximum", value: number(upper)))
    }
    return members
  }

  private func plain(_ value: Double) -> String { number(value).text() }
  private func number(_ value: Double) -> JSON {
    Int(exactly: value).map(JSON.integer) ?? .number(value)
  }
}
