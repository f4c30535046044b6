package import Formats

/// Turns conversations into token ids and loss masks.
///
/// The whole text is rendered by the model's template and tokenized once, so tokens are those that the
/// model sees in use. What is trained is found by rendering as well (see `TurnFinder`).
package struct Renderer: Sendable {
  package let tokenizer: Tokenizer
  package let template: ChatTemplate
  package let trainOn: TrainOn
  /// What ends an assistant's turn.
  package let turnEnd: TurnEnd
  /// The same as bytes, where it is more than words.
  private let endTokens: [UInt8]?
  let special: SpecialTexts
  /// What every rendering knows of the tokenizer.
  private let variables: [String: JSON]

  package init(tokenizer: Tokenizer, template: ChatTemplate, trainOn: TrainOn = .assistant) {
    self.tokenizer = tokenizer
    self.trainOn = trainOn
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

  /// The tokens of a conversation with their labels.
  ///
  /// - Throws: Where the template refuses the conversation, or lets no one tell which part of the
  ///   text is whose.
  package func render(_ conversation: Conversation) throws(Problem) -> RenderedRow {
    let text = try text(of: conversation.messages, tools: conversation.tools)
    let bytes = Array(text.utf8)
    let turns = trainOn == .all ? [] : try turns(of: conversation, in: bytes)
    let ends = turns.map { $0.end ?? endOfTurn(in: bytes, after: $0.text.upperBound) }
    let answers = zip(turns, ends).map { turn, end in
      turn.text.lowerBound..<(end ?? turn.text.upperBound)
    }
    let spans = trainOn == .all ? [0..<bytes.count] : answers
    let (ids, ranges) = tokenizer.encodeWithOffsets(text)
    return RenderedRow(
      text: text, ids: ids, labels: Self.labels(ids, ranges, spans), spans: spans,
      endsTurns: !ends.contains(nil), remarks: remarks(on: conversation),
      place: conversation.place)
  }

  /// Where the assistant texts lie that are trained, in order.
  private func turns(
    of conversation: Conversation, in text: [UInt8]
  ) throws(Problem) -> [TurnFinder.Turn] {
    var indices = conversation.messages.indices.filter {
      conversation.messages[$0].role == "assistant" && conversation.messages[$0].isTrained
    }
    if trainOn == .last {
      let last = conversation.messages.lastIndex { $0.role == "assistant" }
      indices = indices.filter { $0 == last }
    }
    let finder = TurnFinder(renderer: self, conversation: conversation, text: text)
    return try finder.turns(of: indices)
  }

  /// End of what ends a turn and follows `position`, white space allowed before it: all that this
  /// template writes there, else a special token.
  private func endOfTurn(in text: [UInt8], after position: Int) -> Int? {
    var start = position
    while start < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[start]) { start += 1 }
    if let end = endTokens, text[start...].starts(with: end) { return start + end.count }
    return special.token(at: start, in: text).map { start + $0.count }
  }

  /// A token is trained if it stands for some text and all of that lies inside one span.
  private static func labels(
    _ ids: [Int32], _ ranges: [Range<Int>], _ spans: [Range<Int>]
  ) -> [Int32] {
    var span = 0
    return zip(ids, ranges).map { id, range in
      while span < spans.count, spans[span].upperBound <= range.lowerBound { span += 1 }
      let isInside =
        span < spans.count && !range.isEmpty && range.lowerBound >= spans[span].lowerBound
        && range.upperBound <= spans[span].upperBound
      return isInside ? id : RenderedRow.ignoredLabel
    }
  }

  private func remarks(on conversation: Conversation) -> [String] {
    var remarks: [String] = []
    if !conversation.tools.isEmpty, !template.showsTools {
      remarks.append(
        "the template has no place for tools, so the row's tools are not shown to the model")
    }
    if !template.showsReasoning, conversation.messages.contains(where: { $0.reasoning != nil }) {
      remarks.append(
        "the template has no place for reasoning, so the row's reasoning is not learnt")
    }
    return remarks
  }
}
