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
  /// The same where the answer has no content, by which some templates tell calls.
  private(set) var showsToolCallsWithoutContent = true
  /// Whether the template has a place for the descriptions of tools.
  package private(set) var showsTools = true
  /// Whether the template has a place for what an assistant thought.
  package private(set) var showsReasoning = true
  /// Roles whose content the template takes as a list of parts; of others the parts' texts are joined.
  private(set) var rolesWithParts: Set<String> = []
  /// Whether the template writes how an answer begins where that is asked for.
  private(set) var hasGenerationPrompt = true

  /// Whether the template has a place for the calls of a turn.
  func showsToolCalls(of message: Message) -> Bool {
    let content = message.body["content"]
    return content == nil || content?.isNull == true ? showsToolCallsWithoutContent : showsToolCalls
  }

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
    (showsToolCalls, showsToolCallsWithoutContent) = (true, true)
    (showsTools, showsReasoning) = (findsTools, findsReasoning)
    (showsToolCalls, showsToolCallsWithoutContent) = (
      findsToolCalls(content: ""), findsToolCalls(content: .null)
    )
    rolesWithParts = findRolesWithParts()
    hasGenerationPrompt = findsGenerationPrompt
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
    variables["add_generation_prompt"] = .bool(addGenerationPrompt)
    variables["messages"] = .array(messages.map { json($0) })
    do {
      return try render(variables: variables)
    } catch {
      // transformers 5 leaves a null content out, 4 passes it as none. Templates were written for either.
      guard messages.contains(where: { $0.body["content"]?.isNull == true }) else { throw error }
      variables["messages"] = .array(messages.map { json($0, keepsNull: true) })
      guard let text = try? render(variables: variables) else { throw error }
      return text
    }
  }

  /// The text for variables given as they are.
  package func render(variables: [String: JSON]) throws(Problem) -> String {
    let evaluator = TemplateEvaluator(
      name: name, variables: variables.mapValues(TemplateValue.init), now: date)
    return try evaluator.render(statements)
  }
}
