package import Formats

/// Turns conversations into token ids and loss masks.
///
/// The whole text is rendered by the model's template and tokenized once, so tokens are those that the
/// model sees in use. What is trained is found by rendering as well (see `TurnFinder`).
package struct Renderer: Sendable {
  package let tokenizer: Tokenizer
  package let template: ChatTemplate
  package let trainOn: TrainOn
  /// Whether what ends an answer is learnt with it.
  package let trainsTurnEnds: Bool
  /// Most tokens of a part of a long document; nil: documents are not divided.
  package var longestPart: Int?
  /// What ends an assistant's turn.
  package let turnEnd: TurnEnd
  /// The same as bytes, where it is more than words.
  let endTokens: [UInt8]?
  let special: SpecialTexts
  /// What every rendering knows of the tokenizer.
  private let variables: [String: JSON]

  package init(
    tokenizer: Tokenizer, template: ChatTemplate, trainOn: TrainOn = .assistant,
    trainsTurnEnds: Bool = true
  ) {
    self.tokenizer = tokenizer
    self.trainOn = trainOn
    self.trainsTurnEnds = trainsTurnEnds
    self.template = template
    let named = [tokenizer.bosToken, tokenizer.eosToken].compactMap { $0 }
    let specialTokens = tokenizer.specialTokens.map(\.text) + named
    special = SpecialTexts(specialTokens)
    variables = tokenizer.namedTokens.mapValues(JSON.string)
    turnEnd = template.turnEnd(specialTokens: specialTokens, variables: variables)
    let end = Array((turnEnd.text ?? "").utf8)
    endTokens = special.token(endingAt: end.count, in: end) == nil ? nil : end
  }

  /// - Throws: Where the template writes tokens that the model does not know.
  package func checkTemplate() throws(Problem) {
    let missing = template.requiredTokens.filter { tokenizer.id(of: $0) == nil }
    guard let first = missing.first else { return }
    throw Problem(
      "data.template",
      "the \(template.name) writes \(first), for which this model has no token; use its own template "
        + "(\"auto\"), or one of plain text such as \"alpaca\"")
  }

  /// The text of a conversation as the model reads it, before it answers or with all answers.
  package func text(
    of messages: [Message], tools: [JSON] = [], addGenerationPrompt: Bool = false
  ) throws(Problem) -> String {
    var extra = variables
    extra["tools"] = tools.isEmpty ? .null : .array(tools)
    return try template.render(
      messages: messages, addGenerationPrompt: addGenerationPrompt, extra: extra)
  }

  /// The tokens of a conversation with their labels and weights.
  ///
  /// - Throws: Where the template refuses the conversation, or lets no one tell which part of the
  ///   text is whose.
  package func render(_ conversation: Conversation) throws(Problem) -> RenderedRow {
    let text = try text(of: conversation.messages, tools: conversation.tools)
    let bytes = Array(text.utf8)
    let isAll = trainOn == .all
    let needsTurns =
      !isAll || conversation.messages.contains { $0.role == "assistant" && $0.weight != 1 }
    let turns = needsTurns ? try turns(of: conversation, in: bytes) : []
    let answers = turns.map { turn in
      let end = turn.end ?? endOfTurn(in: bytes, after: turn.text.upperBound)
      return (
        span: TrainedSpan(
          bytes: turn.text
            .lowerBound..<(trainsTurnEnds ? end ?? turn.text.upperBound : turn.text.upperBound),
          weight: conversation.weight * conversation.messages[turn.message].weight,
          isPromptEnd: turn.beginsAtPrompt),
        ends: end != nil
      )
    }
    var spans = answers.map(\.span)
    if isAll { spans = TrainedSpan.whole(bytes.count, except: spans, weight: conversation.weight) }
    let (ids, ranges) = tokens(of: text, spans)
    return RenderedRow(
      text: text, ids: ids, ranges: ranges, spans: spans.filter { $0.weight != 0 },
      endsTurns: isAll || answers.allSatisfy(\.ends),
      remarks: conversation.remarks + remarks(on: conversation), place: conversation.place)
  }

  /// Where the answers lie that are trained, in order.
  private func turns(
    of conversation: Conversation, in text: [UInt8]
  ) throws(Problem) -> [TurnFinder.Turn] {
    var indices = conversation.messages.indices.filter {
      let message = conversation.messages[$0]
      return message.role == "assistant"
        && (trainOn == .all ? message.weight != 1 : message.isTrained)
    }
    if trainOn == .last {
      let last = conversation.messages.lastIndex { $0.role == "assistant" }
      indices = indices.filter { $0 == last }
    }
    let finder = TurnFinder(renderer: self, conversation: conversation, text: text)
    return try finder.turns(of: indices)
  }

  /// The tokens of a text. Where a token would reach from a prompt into the answer, the text is cut there:
  /// in use the prompt is tokenized without the answer.
  func tokens(
    of text: String, _ spans: [TrainedSpan]
  ) -> (ids: [Int32], ranges: [Range<Int>]) {
    let whole = tokenizer.encodeWithOffsets(text)
    let starts = spans.filter(\.isPromptEnd).map(\.bytes.lowerBound)
    var token = 0
    let cuts = starts.filter { start in
      while token < whole.ranges.count, whole.ranges[token].upperBound <= start { token += 1 }
      return token < whole.ranges.count && whole.ranges[token].lowerBound < start
    }
    return cuts.isEmpty ? whole : tokenizer.encodeWithOffsets(text, cuts: cuts)
  }

  /// End of what ends a turn and follows `position`, white space allowed before it: all that this
  /// template writes there, else a special token.
  private func endOfTurn(in text: [UInt8], after position: Int) -> Int? {
    var start = position
    while start < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[start]) { start += 1 }
    if let end = endTokens, text[start...].starts(with: end) { return start + end.count }
    return special.token(at: start, in: text).map { start + $0.count }
  }

  private func remarks(on conversation: Conversation) -> [String] {
    var remarks: [String] = []
    if !conversation.tools.isEmpty, !template.showsTools {
      remarks.append(
        "the template has no place for tools, so the row's tools are not shown to the model")
    }
    if conversation.messages.contains(where: {
      !$0.toolCalls.isEmpty && !template.showsToolCalls(of: $0)
    }) {
      remarks.append("the template has no place for tool calls, so they are written as text")
    }
    if !template.showsReasoning, conversation.messages.contains(where: { $0.reasoning != nil }) {
      remarks.append(
        "the template has no place for reasoning, so the row's reasoning is not learnt")
    }
    return remarks
  }
}
