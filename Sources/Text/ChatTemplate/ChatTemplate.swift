#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif
package import Formats

/// A model's chat template: turns messages into the text that the model was trained on.
///
/// Templates are Jinja programs that come with models. This evaluates them as transformers does
/// (Jinja's immutable sandbox, `trim_blocks`, `lstrip_blocks`, loop controls), and says where
/// a template asks for something that is not supported.
package struct ChatTemplate: Sendable {
  /// What messages call this template: a file, or the name of a built-in one.
  package let name: String
  package let source: String
  /// Tokens that the text would be wrong without; only known for built-in templates.
  package let requiredTokens: [String]
  /// Seconds since 1970 that `strftime_now` shows to the template: one date for all rows.
  ///
  /// Some templates write the date into the system prompt. A run that shall give the same tokens
  /// tomorrow keeps this and sets it again.
  package var date: Int = Self.now
  /// What a person gives to every rendering. It decides as well what the template has a place for.
  package var variables = TemplateVariables() {
    didSet { if variables != oldValue { probe() } }
  }

  /// Whether the template has a place for calls that an assistant makes.
  package private(set) var showsToolCalls = true
  /// Whether the template has a place for the descriptions of tools.
  package private(set) var showsTools = true
  /// Whether the template has a place for what an assistant thought.
  package private(set) var showsReasoning = true

  private let statements: [TemplateStatement]

  /// The current time in seconds since 1970.
  static var now: Int { Int(time(nil)) }

  /// - Parameters:
  ///   - source: The template's text.
  ///   - name: What messages call it.
  ///   - requiredTokens: Tokens that a model must know for this template.
  /// - Throws: With line and column, where the template is not valid or uses an unsupported construct.
  package init(
    source: String, name: String, requiredTokens: [String] = []
  ) throws(Problem) {
    self.name = name
    self.source = source
    self.requiredTokens = requiredTokens
    self.statements = try TemplateParser.parse(source, name: name)
    probe()
  }

  private mutating func probe() {
    // In this order: until then, answers are shown with their calls.
    showsToolCalls = true
    (showsTools, showsReasoning) = (findsTools, findsReasoning)
    showsToolCalls = findsToolCalls
  }

  /// The text of a conversation.
  ///
  /// - Parameters:
  ///   - messages: The turns, in order.
  ///   - addGenerationPrompt: Ends the text where the assistant's next answer starts.
  ///   - extra: Further variables beside those of `variables`: `bos_token`, `eos_token`, `tools`…
  /// - Returns: The text that is tokenized, special tokens included.
  /// - Throws: Where the template refuses the conversation (`raise_exception`), uses something
  ///   that is missing, or runs away.
  package func render(
    messages: [Message], addGenerationPrompt: Bool = false, extra: [String: JSON] = [:]
  ) throws(Problem) -> String {
    // transformers passes these always, if only as none.
    var variables: [String: JSON] = ["tools": .null, "documents": .null]
    variables.merge(self.variables.values) { $1 }
    variables.merge(extra) { $1 }
    variables["messages"] = .array(messages.map(json))
    variables["add_generation_prompt"] = .bool(addGenerationPrompt)
    return try render(variables: variables)
  }

  /// The text for variables given as they are.
  package func render(variables: [String: JSON]) throws(Problem) -> String {
    let evaluator = TemplateEvaluator(
      name: name, variables: variables.mapValues(TemplateValue.init), now: date)
    return try evaluator.render(statements)
  }

  /// A message as templates know it. A template without a place for tool calls gets them as text.
  ///
  /// transformers 5 prepares messages before it renders them, 4 does not. What it does, and what this
  /// does:
  /// - A key whose value is null is left out. So it is here, but for `content`, which is always a text:
  ///   many templates refuse a turn without one, and those that do not render it as an empty one.
  /// - `reasoning_content`, `thinking` and `reasoning` name the same text. It makes the first two from
  ///   any of them and keeps `reasoning` where the row has that name. Here all three are there, so that
  ///   no template misses a text because of how the row called it.
  /// - All values become plain JSON. Rows are nothing else.
  private func json(_ message: Message) -> JSON {
    var object = JSONObject([("role", .string(message.role))])
    object["content"] = .string(showsToolCalls ? message.content : message.contentWithToolCalls)
    if let reasoning = message.reasoning {
      for key in ["reasoning_content", "thinking", "reasoning"] { object[key] = .string(reasoning) }
    }
    if !message.toolCalls.isEmpty, showsToolCalls {
      object["tool_calls"] = .array(message.toolCalls)
    }
    if let id = message.toolCallID { object["tool_call_id"] = .string(id) }
    if let name = message.name { object["name"] = .string(name) }
    return .object(object)
  }
}

extension Message {
  /// The content, and below it the tool calls as text.
  var contentWithToolCalls: String {
    [content, toolCallText].filter { !$0.isEmpty }.joined(separator: "\n")
  }
}
