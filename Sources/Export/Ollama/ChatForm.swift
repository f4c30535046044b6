import Formats
package import Text

/// The texts around the turns of a conversation, found by rendering a chat template.
///
///     head user middle answer join user middle answer …       systemHead system systemTail user …
///
/// Most templates are of this form; `init` renders conversations with marks in place of contents, takes
/// the texts between, and checks on another conversation that they say all.
package struct ChatForm: Sendable, Equatable {
  /// Before the first user's turn without a system message.
  package var head: String
  /// Around a system message, up to the first user's turn.
  package var systemHead: String
  package var systemTail: String
  /// From a user's turn to the answer.
  package var middle: String
  /// From an answer to the next user's turn.
  package var join: String

  /// - Parameter render: The text of messages, with the start of an answer where the last is a user's;
  ///   nil where the template refuses them.
  /// - Returns: nil for a template that is not of this form.
  package init?(_ render: ([Message]) -> String?) {
    let marks = (0..<5).map { "Zq\($0)mark\($0)qZ" }
    func message(_ role: String, _ index: Int) -> Message {
      Message(role: role, content: marks[index])
    }
    let turns = [message("user", 1), message("assistant", 2), message("user", 3)]
    guard let plain = render(turns).flatMap({ Self.between(marks[1...3], in: $0) }),
      plain[1] == plain[3]
    else { return nil }
    head = plain[0]
    middle = plain[1]
    join = plain[2]
    if let system = render([message("system", 0)] + turns),
      let parts = Self.between(marks[0...3], in: system), parts[2...4] == [middle, join, middle]
    {
      systemHead = parts[0]
      systemTail = parts[1]
    } else {
      // No place for one: it goes before what the user says.
      systemHead = head
      systemTail = "\n\n"
    }
    let longer = turns + [message("assistant", 4), message("user", 0)]
    guard render(longer) == text(longer) else { return nil }
  }

  package init(
    head: String, systemHead: String, systemTail: String, middle: String, join: String
  ) {
    self.head = head
    self.systemHead = systemHead
    self.systemTail = systemTail
    self.middle = middle
    self.join = join
  }

  /// The texts before, between and after the marks; nil where one is missing, or twice there.
  private static func between(_ marks: ArraySlice<String>, in text: String) -> [String]? {
    var rest = text[...]
    var parts: [String] = []
    for mark in marks {
      let pieces = rest.split(separator: mark, omittingEmptySubsequences: false)
      guard pieces.count == 2 else { return nil }
      parts.append(String(pieces[0]))
      rest = pieces[1]
    }
    return parts + [String(rest)]
  }

  /// The conversation's text in this form; users and answers take turns, a system message may come first.
  package func text(_ messages: [Message]) -> String {
    var text = ""
    var isFirst = true
    for (index, message) in messages.enumerated() {
      switch message.role {
      case "system": text += systemHead + message.content + systemTail
      case "user":
        if isFirst, index == 0 { text += head }
        isFirst = false
        text += message.content + middle
      default: text += message.content + (index < messages.count - 1 ? join : "")
      }
    }
    return text
  }

  var parts: [String] { [head, systemHead, systemTail, middle, join] }

  /// Takes away the token that begins a text.
  mutating func removeBeginning(_ token: String) {
    if head.hasPrefix(token) { head.removeFirst(token.count) }
    if systemHead.hasPrefix(token) { systemHead.removeFirst(token.count) }
  }

  // MARK: - Known forms

  /// Those of models whose own templates do more than this: what stands in such a template, the tokens
  /// that the model must know, and the form.
  static let known: [(marker: String, tokens: [String], form: ChatForm)] = [
    (
      "<|im_start|>", ["<|im_start|>", "<|im_end|>"],
      ChatForm(
        head: "<|im_start|>user\n", systemHead: "<|im_start|>system\n",
        systemTail: "<|im_end|>\n<|im_start|>user\n",
        middle: "<|im_end|>\n<|im_start|>assistant\n", join: "<|im_end|>\n<|im_start|>user\n")
    ),
    (
      "<|start_header_id|>", ["<|start_header_id|>", "<|eot_id|>"],
      ChatForm(
        head: "<|start_header_id|>user<|end_header_id|>\n\n",
        systemHead: "<|start_header_id|>system<|end_header_id|>\n\n",
        systemTail: "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n",
        middle: "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
        join: "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n")
    ),
    (
      "<start_of_turn>", ["<start_of_turn>", "<end_of_turn>"],
      ChatForm(
        head: "<start_of_turn>user\n", systemHead: "<start_of_turn>user\n", systemTail: "\n\n",
        middle: "<end_of_turn>\n<start_of_turn>model\n",
        join: "<end_of_turn>\n<start_of_turn>user\n")
    ),
    (
      "<|end|>", ["<|user|>", "<|end|>"],
      ChatForm(
        head: "<|user|>\n", systemHead: "<|system|>\n", systemTail: "<|end|>\n<|user|>\n",
        middle: "<|end|>\n<|assistant|>\n", join: "<|end|>\n<|user|>\n")
    ),
    (
      "[INST]", ["</s>"],
      ChatForm(
        head: "[INST] ", systemHead: "[INST] ", systemTail: "\n\n", middle: " [/INST]",
        join: "</s>[INST] ")
    ),
  ]
}
