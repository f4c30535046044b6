package import Formats

/// How a template ends an assistant's turn, found by rendering.
package struct TurnEnd: Equatable, Sendable {
  /// What follows every answer, wherever it stands, without white space around it: "<|im_end|>",
  /// "<|END_RESPONSE|><|END_OF_TURN_TOKEN|>". Nil where the last answer ends otherwise than earlier
  /// ones, or nothing but the next turn ends it.
  package let text: String?
  /// Texts that end an answer when a model writes them, the most usual first: the last special token of
  /// what follows an answer or a call, or where there is none, how the user's turn begins.
  package let stops: [String]
}

extension ChatTemplate {
  /// What ends an assistant's turn.
  ///
  /// - Parameters:
  ///   - specialTokens: The texts of the model's special tokens.
  ///   - variables: `bos_token`, `eos_token` and what else every rendering knows of the tokenizer.
  package func turnEnd(specialTokens: [String], variables: [String: JSON]) -> TurnEnd {
    TurnEndFinder(
      template: self, special: SpecialTexts(specialTokens), variables: variables
    ).find()
  }
}

/// Shows a template an answer at the end of a conversation, an answer before another question, and
/// calls. What follows the answer in both is its end.
private struct TurnEndFinder {
  let template: ChatTemplate
  let special: SpecialTexts
  let variables: [String: JSON]

  private static let question = "QuestionOfTheUser"
  private static let answer = "AnswerOfTheAssistant"
  private static let next = "NextQuestionOfTheUser"

  func find() -> TurnEnd {
    let question = Message(role: "user", content: Self.question)
    let answer = Message(role: "assistant", content: Self.answer)
    let last = rendered([question, answer]).flatMap { part(of: $0, after: Self.answer) }
    let whole = rendered([question, answer, Message(role: "user", content: Self.next)])
    let between = whole.flatMap { part(of: $0, after: Self.answer) }
      .flatMap { part(of: $0, before: Self.next) }
    let header = whole.flatMap { part(of: $0, before: Self.question) }.flatMap { before in
      between.map { self.header($0, before) }
    }
    let opener = whole.flatMap { openingToken(of: $0) }
    let early = between.map {
      upToEndOfSequence($0) ?? part(of: $0, before: opener)
        ?? Array($0.dropLast(header?.count ?? 0))
    }
    let shared = last.flatMap { last in early.flatMap { self.shared(last, $0) } }
    var stops = shared.map { [special.last(in: $0) ?? $0] } ?? ends([last, early, between])
    let other =
      endOfCalls(question, opener, known: shared == nil ? [] : stops)
      ?? (shared == nil ? startOfResults(question) : nil)
    if let other, !stops.contains(other) { stops.append(other) }
    return TurnEnd(
      text: shared.map { String(decoding: $0, as: UTF8.self) },
      stops: stops.map { String(decoding: $0, as: UTF8.self) })
  }

  /// The text up to and with its first end-of-sequence token; nil without one.
  private func upToEndOfSequence(_ text: [UInt8]) -> [UInt8]? {
    guard let token = variables["eos_token"]?.string, !token.isEmpty,
      token != variables["bos_token"]?.string,
      let place = PythonString.find(Array(token.utf8), in: text)
    else { return nil }
    return Array(text[..<(place + token.utf8.count)])
  }

  /// The special token with which a conversation begins, and so its turns, in formats that open turns.
  private func openingToken(of whole: [UInt8]) -> [UInt8]? {
    var text = whole[...]
    if let bos = variables["bos_token"]?.string, text.starts(with: bos.utf8) {
      text = text.dropFirst(bos.utf8.count)
    }
    let start = stripped(text)
    return start.isEmpty ? nil : special.token(at: 0, in: start)
  }

  /// The text before the first place of a token; nil where it is not there, or nothing before it.
  private func part(of text: [UInt8], before token: [UInt8]?) -> [UInt8]? {
    guard let token, let place = PythonString.find(token, in: text),
      !stripped(text[..<place]).isEmpty
    else { return nil }
    return Array(text[..<place])
  }

  /// How a user's turn begins: what stands before both questions. Nothing if that leaves no end.
  private func header(_ between: [UInt8], _ before: [UInt8]) -> [UInt8] {
    let same = zip(between.reversed(), before.reversed()).prefix { $0 == $1 }.count
    let start = special.bounds(across: between.count - same, in: between).upperBound
    return stripped(between[..<start]).isEmpty ? [] : Array(between[start...])
  }

  private func rendered(_ messages: [Message]) -> [UInt8]? {
    text(messages, tools: .null)
      ?? text(messages, tools: [ChatTemplate.probeTool(named: "name")])
  }

  private func text(_ messages: [Message], tools: JSON) -> [UInt8]? {
    let extra = variables.merging(["tools": tools]) { $1 }
    return (try? template.render(messages: messages, extra: extra)).map { Array($0.utf8) }
  }

  /// What both begin with, if that is more than white space; no token is cut.
  private func shared(_ a: [UInt8], _ b: [UInt8]) -> [UInt8]? {
    var count = 0
    while count < min(a.count, b.count), a[count] == b[count] { count += 1 }
    count = min(
      special.bounds(across: count, in: a).lowerBound,
      special.bounds(across: count, in: b).lowerBound)
    let text = stripped(a[..<count])
    return text.isEmpty ? nil : text
  }

  /// The tokens that these texts begin with; without any, the first text that is not empty.
  private func ends(_ texts: [[UInt8]?]) -> [[UInt8]] {
    let texts = texts.compactMap { $0.map { stripped($0[...]) } }.filter { !$0.isEmpty }
    var ends: [[UInt8]] = []
    for token in texts.compactMap({ special.token(at: 0, in: $0) }) where !ends.contains(token) {
      ends.append(token)
    }
    return ends.isEmpty ? Array(texts.prefix(1)) : ends
  }

  private func calls(_ question: Message, _ calls: [JSON], _ rest: [Message] = []) -> [UInt8]? {
    let turn = Message(role: "assistant", content: "", toolCalls: calls)
    let messages = [question, turn] + rest
    return
      (text(messages, tools: [ChatTemplate.probeTool(named: "name")])
      ?? text(messages, tools: .null)).map { stripped($0[...]) }
  }

  /// The special token after calls, which several calls must not have several times. None where calls
  /// end as answers do, or where all that follows them is the start of the next turn.
  private func endOfCalls(
    _ question: Message, _ opener: [UInt8]?, known stops: [[UInt8]]
  ) -> [UInt8]? {
    guard template.showsToolCalls else { return nil }
    let call = ChatTemplate.probeCall("name")
    guard let one = calls(question, [call]) else { return nil }
    let behind = part(of: one, after: "value")
    if let cut = upToEndOfSequence(behind ?? one) {
      return special.token(endingAt: cut.count, in: cut)
    }
    if let behind, stops.contains(where: { PythonString.find($0, in: behind) != nil }) {
      return nil
    }
    let end = behind.flatMap { part(of: $0, before: opener) }.map { stripped($0[...]) } ?? one
    guard let token = special.token(endingAt: end.count, in: end) else { return nil }
    guard let two = calls(question, [call, call]) else { return token }
    let isEnd = SpecialTexts.count(token, in: one) == SpecialTexts.count(token, in: two)
    return isEnd ? token : nil
  }

  /// The special token with which a tool's answer begins, where calls have no end.
  private func startOfResults(_ question: Message) -> [UInt8]? {
    guard template.showsToolCalls else { return nil }
    let call = ChatTemplate.probeCall("name")
    let result = Message(
      role: "tool", content: "result", toolCallID: call["id"]?.string, name: "name")
    guard let one = calls(question, [call]), let two = calls(question, [call], [result]),
      two.starts(with: one)
    else { return nil }
    let rest = stripped(two[one.count...])
    return rest.isEmpty ? nil : special.token(at: 0, in: rest)
  }

  private func part(of text: [UInt8], after mark: String) -> [UInt8]? {
    let mark = Array(mark.utf8)
    return PythonString.find(mark, in: text, backwards: true)
      .map { Array(text[($0 + mark.count)...]) }
  }

  private func part(of text: [UInt8], before mark: String) -> [UInt8]? {
    PythonString.find(Array(mark.utf8), in: text).map { Array(text[..<$0]) }
  }

  private func stripped(_ text: ArraySlice<UInt8>) -> [UInt8] {
    Array(PythonString.strip(String(decoding: text, as: UTF8.self)).utf8)
  }
}
