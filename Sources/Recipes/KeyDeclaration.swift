package import Formats

/// Everything the recipe says about one key except its value.
package struct KeyDeclaration: Sendable {
  package let name: String
  package let help: String
  let rules: [KeyRule]
  /// "a whole number from 1 to 8".
  package let expectation: String
  /// Whether a bare word is a legal value.
  let takesText: Bool
  private let typeSchema: JSONObject
  private let initial: JSON

  init(
    name: String, help: String, rules: [KeyRule], expectation: String, takesText: Bool,
    schema: JSONObject, initial: JSON
  ) {
    self.name = name
    self.help = help
    self.rules = rules
    self.expectation = expectation
    self.takesText = takesText
    typeSchema = schema
    self.initial = initial
  }

  var isRequired: Bool { rules.contains { $0.isRequired } }
  var isFreeOnResume: Bool { rules.contains { $0.isFreeOnResume } }
  package var otherNames: [String] { rules.flatMap(\.otherNames) }

  /// nil where a recipe must give the key.
  package var defaultValue: JSON? {
    // Spelled out: a bare `nil` would be JSON's null.
    isRequired ? Optional<JSON>.none : initial
  }

  /// The key as a property of a JSON Schema (draft 2020-12).
  var schema: JSON {
    var members: [(key: String, value: JSON)] = [("description", .string(help))]
    members += typeSchema.members
    members += rules.compactMap(\.bounds).first?.schema ?? []
    if isRequired, typeSchema["type"]?.string == "string", typeSchema["enum"] == nil {
      members.append(("minLength", 1))
    }
    if isRequired, typeSchema["type"]?.string == "array" { members.append(("minItems", 1)) }
    if let defaultValue { members.append(("default", defaultValue)) }
    return .object(JSONObject(members))
  }
}

extension RecipeSection {
  /// The section as an object of a JSON Schema: no other members, required ones named.
  var schema: JSON {
    let declarations = declarations
    var members: [(key: String, value: JSON)] = [
      ("type", "object"), ("description", .string(Self.help)), ("additionalProperties", false),
      ("properties", .object(JSONObject(declarations.map { ($0.name, $0.schema) }))),
    ]
    let required = declarations.filter(\.isRequired).map { JSON.string($0.name) }
    if !required.isEmpty { members.append(("required", .array(required))) }
    return .object(JSONObject(members))
  }
}
