import Formats
import Text

/// Messages in an order that few templates and no model expect.
struct TurnOrder: RowCheck {
  func findings(in row: CheckedRow) -> [RowFinding] {
    guard let conversation = row.outcome.conversation else { return [] }
    var findings: [RowFinding] = []
    if let fault = Self.fault(in: conversation) { findings.append(row.finding(.roleOrder, fault)) }
    if conversation.openQuestions > 0 {
      findings.append(row.finding(.endsWithUser, "nothing answers the end of the conversation"))
    }
    let messages = conversation.messages
    for (index, message) in messages.enumerated() {
      if message.role == "user", message.content.isSpace {
        findings.append(row.finding(.emptyQuestion, "message \(index + 1) of the user is empty"))
      }
      if message.role == "tool", !Self.answersCall(messages[..<index]) {
        findings.append(
          row.finding(
            .resultWithoutCall,
            "message \(index + 1) is the result of a tool that nothing before it calls"))
      }
    }
    return findings
  }

  /// What is unusual about the order, as a sentence.
  static func fault(in conversation: Conversation) -> String? {
    let messages = conversation.messages
    for (index, message) in messages.enumerated() {
      let before = index > 0 ? messages[index - 1] : nil
      switch message.role {
      case "system" where index > 0:
        return "message \(index + 1) is of the system, expected it only at the beginning"
      case "user" where before?.role == "user":
        return "messages \(index) and \(index + 1) are both of the user"
      case "assistant":
        if before == nil || before?.role == "system" {
          return "the assistant speaks first, expected the user"
        }
        if before?.role == "assistant", before?.toolCalls.isEmpty == true,
          message.toolCalls.isEmpty
        {
          return "messages \(index) and \(index + 1) are both of the assistant"
        }
      default: break
      }
    }
    return nil
  }

  /// Whether the messages end with calls, or with results of calls.
  private static func answersCall(_ messages: ArraySlice<Message>) -> Bool {
    guard let last = messages.last else { return false }
    if last.role == "tool" { return true }
    return last.role == "assistant" && (!last.toolCalls.isEmpty || !last.toolCallText.isEmpty)
  }
}
