package import Formats

/// A type that a recipe key can have.
package protocol RecipeValue {
  /// What a person calls a value of this type, completed by what its bounds say:
  /// "a whole number from 1 to 8".
  static func expectation(_ bounds: String?) -> String
  /// The JSON Schema of the type, without the bounds of a single key.
  static var schema: JSONObject { get }
  /// Whether a string is a value of this type, so that `--set key=7` means the string "7".
  static var takesText: Bool { get }
  /// The value in `json`, or nil after one or more sentences in `problems`.
  static func read(
    _ json: JSON, at place: String, expecting expectation: String, problems: inout [String]
  ) -> Self?
  var json: JSON { get }
  /// The number that bounds apply to.
  var magnitude: Double? { get }
  /// Whether the value says nothing, which a required key may not.
  var saysNothing: Bool { get }
}

extension RecipeValue {
  static func expectation() -> String { expectation(nil) }
  package static var takesText: Bool { false }
  package var magnitude: Double? { nil }
  package var saysNothing: Bool { false }
}

/// "a number" + "above 0".
private func phrase(_ noun: String, _ bounds: String?) -> String {
  bounds.map { "\(noun) \($0)" } ?? noun
}

private func mismatch(
  _ json: JSON, _ place: String, _ expectation: String, _ problems: inout [String]
) {
  let found = json.bool.map { "\($0)" } ?? json.kindName
  var sentence = "\(place): found \(found), expected \(expectation)"
  // The commonest wrong type: a number or truth value in quotes.
  if let text = json.string, let inner = try? JSONParser.parse(text) {
    switch inner {
    case .integer, .number, .bool, .null: sentence += "; write \(text) without quotes"
    default: break
    }
  }
  problems.append(sentence)
}

extension Int: RecipeValue {
  package static func expectation(_ bounds: String?) -> String { phrase("a whole number", bounds) }
  package static var schema: JSONObject { JSONObject([("type", "integer")]) }
  package static func read(
    _ json: JSON, at place: String, expecting expectation: String, problems: inout [String]
  ) -> Int? {
    if let value = json.integer { return value }
    if let number = json.number {
      problems.append("\(place): found \(JSON.number(number).text()), expected \(expectation)")
    } else {
      mismatch(json, place, expectation, &problems)
    }
    return nil
  }
  package var json: JSON { .integer(self) }
  package var magnitude: Double? { Double(self) }
}

extension Double: RecipeValue {
  package static func expectation(_ bounds: String?) -> String { phrase("a number", bounds) }
  package static var schema: JSONObject { JSONObject([("type", "number")]) }
  package static func read(
    _ json: JSON, at place: String, expecting expectation: String, problems: inout [String]
  ) -> Double? {
    if let value = json.number { return value }
    mismatch(json, place, expectation, &problems)
    return nil
  }
  package var json: JSON { .number(self) }
  package var magnitude: Double? { self }
}

extension Bool: RecipeValue {
  package static func expectation(_ bounds: String?) -> String { "true or false" }
  package static var schema: JSONObject { JSONObject([("type", "boolean")]) }
  package static func read(
    _ json: JSON, at place: String, expecting expectation: String, problems: inout [String]
  ) -> Bool? {
    if let value = json.bool { return value }
    mismatch(json, place, expectation, &problems)
    return nil
  }
  package var json: JSON { .bool(self) }
}

extension String: RecipeValue {
  package static func expectation(_ bounds: String?) -> String { "a string" }
  package static var schema: JSONObject { JSONObject([("type", "string")]) }
  package static var takesText: Bool { true }
  package static func read(
    _ json: JSON, at place: String, expecting expectation: String, problems: inout [String]
  ) -> String? {
    if let value = json.string { return value }
    problems.append("\(place): found \(json.kindName), expected \(expectation)")
    return nil
  }
  package var json: JSON { .string(self) }
  package var saysNothing: Bool { utf8.isEmpty }
}

extension Optional: RecipeValue where Wrapped: RecipeValue {
  package static func expectation(_ bounds: String?) -> String {
    Wrapped.expectation(bounds) + " or null"
  }
  package static var schema: JSONObject {
    var schema = Wrapped.schema
    if let type = schema["type"] { schema["type"] = .array([type, "null"]) }
    if let choices = schema["enum"]?.array { schema["enum"] = .array(choices + [.null]) }
    return schema
  }
  package static var takesText: Bool { Wrapped.takesText }
  package static func read(
    _ json: JSON, at place: String, expecting expectation: String, problems: inout [String]
  ) -> Wrapped?? {
    if json.isNull { return .some(nil) }
    return Wrapped.read(json, at: place, expecting: expectation, problems: &problems)
  }
  package var json: JSON { self?.json ?? .null }
  package var magnitude: Double? { self?.magnitude }
}

/// One of a few words.
package protocol RecipeChoice: RecipeValue, RawRepresentable<String>, CaseIterable, Sendable {}

extension RecipeChoice {
  package static func expectation(_ bounds: String?) -> String {
    list(allCases.map { "\"\($0.rawValue)\"" })
  }
  package static var schema: JSONObject {
    JSONObject([
      ("type", "string"), ("enum", .array(allCases.map { .string($0.rawValue) })),
    ])
  }
  package static var takesText: Bool { true }
  package static func read(
    _ json: JSON, at place: String, expecting expectation: String, problems: inout [String]
  ) -> Self? {
    guard let word = json.string else {
      problems.append("\(place): found \(json.kindName), expected \(expectation)")
      return nil
    }
    if let value = Self(rawValue: word) { return value }
    let near = nearest(to: word, among: allCases.map(\.rawValue))
    problems.append(
      "\(place): found \"\(shown(word))\", expected \(expectation)"
        + (near.map { "; did you mean \"\($0)\"?" } ?? ""))
    return nil
  }
  package var json: JSON { .string(rawValue) }
}

/// "a", "a or b", "a, b or c".
func list(_ words: [String]) -> String {
  guard let last = words.last, words.count > 1 else { return words.first ?? "" }
  return words.dropLast().joined(separator: ", ") + " or " + last
}
