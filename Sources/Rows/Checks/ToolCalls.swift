import Formats
import Text

/// Calls that are none, or do not fit the tools of their row.
struct ToolCalls: RowCheck {
  func findings(in row: CheckedRow) -> [RowFinding] {
    guard let conversation = row.outcome.conversation else { return [] }
    let tools = conversation.tools.map { $0["function"] ?? $0 }
    return conversation.messages.flatMap(\.toolCalls).compactMap { call in
      let function = call["function"] ?? call
      guard let name = function["name"]?.string else { return nil }
      if let text = function["arguments"]?.string, (try? JSONParser.parse(text)) == nil {
        return row.finding(.brokenToolCall, "the arguments of the call to \"\(name)\" are not JSON")
      }
      // Without a list nobody knows which tools there are.
      if tools.isEmpty { return nil }
      guard
        let tool = tools.first(where: {
          $0["name"]?.string?.utf8.elementsEqual(name.utf8) ?? false
        })
      else {
        return row.finding(
          .unknownTool, "the call is to \"\(name)\", which \"tools\" does not list")
      }
      return missing(function["arguments"], of: tool, name, row)
    }
  }

  private func missing(
    _ arguments: JSON?, of tool: JSON, _ name: String, _ row: CheckedRow
  ) -> RowFinding? {
    let required = tool["parameters"]?["required"]?.array?.compactMap(\.string) ?? []
    guard !required.isEmpty else { return nil }
    var given = arguments ?? .null
    if let text = given.string { given = (try? JSONParser.parse(text)) ?? .null }
    let missing = required.filter { given[$0] == nil }
    guard !missing.isEmpty else { return nil }
    let names = missing.map { "\"\($0)\"" }.joined(separator: ", ")
    return row.finding(.missingArgument, "the call to \"\(name)\" lacks \(names)")
  }
}
