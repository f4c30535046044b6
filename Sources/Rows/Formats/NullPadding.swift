import Formats
import Text

/// Leaves out nulls that a table has put in: where all rows of a file share one schema, every tool and every
/// call has the keys of all others.
///
/// Nulls that mean something stay: a default that is null, and an argument that the tool declares.
struct NullPadding {
  let tools: [JSON]
  private(set) var isFound = false
  /// For each tool that lists its parameters: its name and those that it declares.
  private let declared: [(tool: String, parameters: [String])]

  init(tools: [JSON]) {
    var found = false
    self.tools = tools.map { Self.withoutNulls($0, &found) }
    declared = self.tools.compactMap { tool in
      let function = tool["function"] ?? tool
      guard let name = function["name"]?.string,
        let parameters = function["parameters"]?["properties"]?.object
      else { return nil }
      return (name, parameters.keys)
    }
    isFound = found
  }

  var remarks: [String] {
    isFound ? ["null members of tools and calls, as tables pad them, are left out"] : []
  }

  /// A call without arguments that are null and that its tool does not have.
  mutating func call(_ call: JSON) -> JSON {
    var function = call["function"] ?? call
    guard let name = function["name"]?.string, let arguments = function["arguments"]?.object,
      let parameters = declared.first(where: { $0.tool.utf8.elementsEqual(name.utf8) })?.parameters
    else { return call }
    let kept = arguments.members.filter { !$0.value.isNull || parameters.contains($0.key) }
    guard kept.count < arguments.count else { return call }
    isFound = true
    function.set("arguments", .object(JSONObject(kept)))
    guard call["function"] != nil else { return function }
    var call = call
    call.set("function", function)
    return call
  }

  /// Keys of a JSON Schema under which a null is a value.
  private static let values = ["default", "const", "enum", "examples", "example"]

  private static func withoutNulls(_ value: JSON, _ found: inout Bool) -> JSON {
    switch value {
    case .object(let object):
      var members: [(key: String, value: JSON)] = []
      for (key, value) in object.members {
        if values.contains(key) {
          members.append((key, value))
        } else if value.isNull {
          found = true
        } else {
          members.append((key, withoutNulls(value, &found)))
        }
      }
      return .object(JSONObject(members))
    case .array(let elements): return .array(elements.map { withoutNulls($0, &found) })
    default: return value
    }
  }
}
