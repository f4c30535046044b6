package import Formats
package import Text

extension DataSection {
  /// The template and what it is told.
  package var templateChoice: TemplateChoice {
    TemplateChoice(template, variables: templateVariables)
  }
}

extension TemplateVariables: RecipeValue {
  package static func expectation(_ bounds: String?) -> String {
    "an object such as {\"enable_thinking\": false}"
  }

  package static var schema: JSONObject { JSONObject([("type", "object")]) }

  package static func read(
    _ json: JSON, at place: String, expecting expectation: String, problems: inout [String]
  ) -> TemplateVariables? {
    guard let object = json.object else {
      problems.append("\(place): found \(json.kindName), expected \(expectation)")
      return nil
    }
    var seen: [String] = []
    for name in object.keys {
      let here = "\(place).\(shown(name))"
      if let fault = TemplateVariables.fault(inName: name) { problems.append("\(here): \(fault)") }
      if seen.contains(name) {
        problems.append("\(here): found twice, expected once; remove one of them")
      }
      seen.append(name)
    }
    return TemplateVariables(object)
  }
}
