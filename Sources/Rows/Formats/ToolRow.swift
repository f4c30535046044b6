import Formats

/// Descriptions of tools and calls to them, as rows have them.
enum ToolRow {
  /// `tools` of a row: a list, or the same as JSON text.
  ///
  /// - Returns: Each as `{"type": "function", "function": {"name", "description", "parameters"}}`.
  static func tools(_ value: JSON?, _ name: String) throws(RowFault) -> [JSON] {
    guard let value else { return [] }
    let list = try parsed(value, "\"\(name)\"", .wrongType)
    guard !list.isNull else { return [] }
    guard let elements = list.array else {
      throw RowFault(.wrongType, "\"\(name)\" is \(list.kindName), expected a list of tools")
    }
    return try elements.map { element throws(RowFault) in
      try check(element, "an entry of \"\(name)\"", has: ["name"], .wrongType)
      return element["function"] == nil ? ["type": "function", "function": element] : element
    }
  }

  /// `tool_calls` of a message, as they are.
  ///
  /// - Parameter parsesArguments: Whether arguments that are JSON as text become objects.
  static func calls(_ value: JSON, parsesArguments: Bool) throws(RowFault) -> [JSON] {
    guard let elements = value.array else {
      throw RowFault(
        .brokenToolCall, "\"tool_calls\" is \(value.kindName), expected a list of calls")
    }
    return try elements.map { call throws(RowFault) in
      try check(call, "the tool call", has: ["name", "arguments"])
      return parsesArguments ? try withParsedArguments(call) : call
    }
  }

  /// Calls that a row writes as text: one or a list.
  ///
  /// - Returns: Each as `{"type": "function", "function": {"name", "arguments": {…}}}`.
  static func calls(writtenAs text: String) throws(RowFault) -> [JSON] {
    let list = try parsed(.string(text), "the tool call")
    let elements = list.isNull ? [] : list.array ?? [list]
    guard !elements.isEmpty else {
      throw RowFault(.brokenToolCall, "the tool call is empty, expected JSON")
    }
    return try elements.map { call throws(RowFault) in
      try check(call, "the tool call", has: ["name", "arguments"])
      let wrapped = call["function"] == nil ? ["type": "function", "function": call] : call
      return try withParsedArguments(wrapped)
    }
  }

  /// `function_call` of a message, OpenAI's older form, as a call of today's.
  static func call(legacy value: JSON, parsesArguments: Bool) throws(RowFault) -> JSON {
    try check(value, "\"function_call\"", has: ["name", "arguments"])
    let call: JSON = ["type": "function", "function": value]
    return parsesArguments ? try withParsedArguments(call) : call
  }

  private static func withParsedArguments(_ call: JSON) throws(RowFault) -> JSON {
    var function = call["function"] ?? call
    guard let text = function["arguments"]?.string else { return call }
    function.set("arguments", try parsed(.string(text), "\"arguments\" of the tool call"))
    guard call["function"] != nil else { return function }
    var call = call
    call.set("function", function)
    return call
  }

  private static func parsed(
    _ value: JSON, _ what: String, _ kind: RowFindingKind = .brokenToolCall
  ) throws(RowFault) -> JSON {
    guard let text = value.string else { return value }
    if text.isSpace { return .null }
    do {
      return try JSONParser.parse(text)
    } catch {
      throw RowFault(kind, "\(what) is text that is not JSON: \(error.message)")
    }
  }

  private static func check(
    _ element: JSON, _ what: String, has keys: [String], _ kind: RowFindingKind = .brokenToolCall
  ) throws(RowFault) {
    guard element.object != nil else {
      throw RowFault(kind, "\(what) is \(element.kindName), expected an object")
    }
    let function = element["function"] ?? element
    for key in keys where function[key] == nil { throw RowFault(kind, "\(what) has no \"\(key)\"") }
    guard function["name"]?.string != nil else {
      throw RowFault(kind, "\(what) has a \"name\" that is no string")
    }
  }
}
