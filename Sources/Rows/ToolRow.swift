import Formats

/// Descriptions of tools and calls to them, brought to the one form that chat templates expect.
enum ToolRow {
  /// `tools` of a row: a list, or the same as JSON text.
  ///
  /// - Returns: Each as `{"type": "function", "function": {"name", "description", "parameters"}}`.
  static func tools(_ value: JSON?) throws(RowFault) -> [JSON] {
    let list = try parsed(value, "\"tools\"")
    guard !list.isNull else { return [] }
    guard let elements = list.array else {
      throw RowFault("\"tools\" is \(list.kindName), expected a list of tools")
    }
    return try elements.map { element throws(RowFault) in
      try wrapped(element, "an entry of \"tools\"", needs: ["name"])
    }
  }

  /// Tool calls of a message: one or a list, as JSON or as JSON text.
  ///
  /// - Returns: Each as `{"type": "function", "function": {"name", "arguments": {…}}}`.
  static func calls(_ value: JSON?) throws(RowFault) -> [JSON] {
    let list = try parsed(value, "the tool call")
    guard !list.isNull else { return [] }
    let elements = list.array ?? [list]
    return try elements.map { element throws(RowFault) in
      var call = try wrapped(element, "the tool call", needs: ["name", "arguments"])
      guard var outer = call.object, var function = outer["function"]?.object else { return call }
      // Arguments as an object, which templates turn into JSON themselves.
      if let text = function["arguments"]?.string {
        function["arguments"] = try parsed(.string(text), "\"arguments\" of the tool call")
      }
      outer["function"] = .object(function)
      call = .object(outer)
      return call
    }
  }

  static func calls(_ text: String) throws(RowFault) -> [JSON] {
    let calls = try calls(.string(text))
    guard !calls.isEmpty else { throw RowFault("the tool call is empty, expected JSON") }
    return calls
  }

  private static func parsed(_ value: JSON?, _ what: String) throws(RowFault) -> JSON {
    guard let text = value?.string else { return value ?? .null }
    if text.isSpace { return .null }
    do {
      return try JSONParser.parse(text)
    } catch {
      throw RowFault("\(what) is text that is not JSON: \(error.message)")
    }
  }

  private static func wrapped(
    _ element: JSON, _ what: String, needs keys: [String]
  ) throws(RowFault) -> JSON {
    let function = element["function"] ?? element
    for key in keys where function[key] == nil {
      throw RowFault("\(what) has no \"\(key)\"")
    }
    guard element["function"] == nil else { return element }
    return ["type": "function", "function": element]
  }
}
