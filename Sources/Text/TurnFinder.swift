import Formats

/// Finds which bytes of a rendered conversation are an assistant's text, without knowing the template.
///
/// A turn's content is replaced by a sentinel and the conversation rendered again: what stands before and
/// after the sentinel is the template's, what the real text has between the same two parts is the turn's.
/// That holds however the template trims, escapes or shortens the content, and where turns are rendered
/// differently by their place. Usually one rendering with all turns replaced is enough.
struct TurnFinder {
  private let renderer: Renderer
  private let conversation: Conversation
  /// The rendered conversation in UTF-8.
  private let text: [UInt8]
  /// Begins every sentinel; occurs nowhere in the text.
  private let stem: String

  init(renderer: Renderer, conversation: Conversation, text: [UInt8]) {
    self.renderer = renderer
    self.conversation = conversation
    self.text = text
    // Letters only: templates trim white space, and tojson escapes other characters.
    var stem = "AnswerOfTheAssistant"
    while PythonString.find(Array(stem.utf8), in: text) != nil { stem += "Q" }
    self.stem = stem
  }

  /// Where one assistant turn lies in the text.
  struct Turn {
    /// Which message it is.
    let message: Int
    var text: Range<Int>
    /// Where what ends the turn ends, if that is not simply what follows the text.
    var end: Int?
    /// Whether it begins where the prompt for it ends.
    var beginsAtPrompt = false
  }

  /// Where these messages' texts lie, in order; a turn that the template does not show has no place.
  ///
  /// - Throws: Where a text cannot be told from what the template writes around it.
  func turns(of indices: [Int]) throws(Problem) -> [Turn] {
    if indices.count == 1, let turn = lastTurn(indices[0]) { return [turn] }
    let plain = indices.filter { isPlain(conversation.messages[$0]) }
    var turns: [Turn] = []
    var rest = indices
    if !plain.isEmpty, let found = together(plain) {
      turns = zip(plain, found).map { Turn(message: $0, text: $1) }
      rest = indices.filter { !isPlain(conversation.messages[$0]) }
    }
    for index in rest {
      if let turn = try turn(index) { turns.append(turn) }
    }
    return turns.map(beginningAtPrompt).sorted { $0.text.lowerBound < $1.text.lowerBound }
  }

  // MARK: Prompts

  /// Where the prompt for a turn ends, if it is how the text begins.
  private func promptEnd(_ index: Int) -> Int? {
    guard index > 0 else { return nil }
    let prompt = try? renderer.text(
      of: Array(conversation.messages[..<index]), tools: conversation.tools,
      addGenerationPrompt: true)
    guard let prompt, text.starts(with: prompt.utf8) else { return nil }
    return prompt.utf8.count
  }

  /// The last turn of the conversation, if it is what follows its prompt and ends as every answer does.
  private func lastTurn(_ index: Int) -> Turn? {
    guard index == conversation.messages.count - 1, renderer.template.hasGenerationPrompt,
      let ending = renderer.endTokens, let start = promptEnd(index)
    else { return nil }
    var end = text.count
    while end > start, Self.isSpace(text[end - 1]) { end -= 1 }
    guard text[start..<end].suffix(ending.count).elementsEqual(ending) else { return nil }
    return Turn(
      message: index, text: start..<end - ending.count, end: end, beginsAtPrompt: true)
  }

  /// A turn from where its prompt ends: what a template writes there, the model has to produce. A template
  /// that writes no beginning of an answer into prompts has headers, which only white space can be left of.
  private func beginningAtPrompt(_ turn: Turn) -> Turn {
    guard let start = promptEnd(turn.message), start <= turn.text.upperBound else { return turn }
    let isBeginning =
      renderer.template.hasGenerationPrompt
      || start <= turn.text.lowerBound
        && text[start..<turn.text.lowerBound].allSatisfy(Self.isSpace)
    guard isBeginning else { return turn }
    var turn = turn
    turn.text = start..<turn.text.upperBound
    turn.beginsAtPrompt = true
    return turn
  }

  /// Whether the template has nothing of a turn to show but its content.
  private func isPlain(_ message: Message) -> Bool {
    (message.toolCalls.isEmpty || !renderer.template.showsToolCalls(of: message))
      && (message.reasoning == nil || !renderer.template.showsReasoning)
  }

  // MARK: All turns at once

  /// Ranges from one rendering with all turns replaced, if each turn's content then stands, as it is
  /// or trimmed, exactly between the parts that the template writes.
  private func together(_ indices: [Int]) -> [Range<Int>]? {
    // A template that refuses the sentinels may still accept them one at a time.
    guard let parts = try? parts(replacing: indices), text.starts(with: parts[0]) else {
      return nil
    }
    var ranges: [Range<Int>] = []
    var position = parts[0].count
    for (index, part) in zip(indices, parts.dropFirst()) {
      let isLast = ranges.count == indices.count - 1
      let form = forms(of: conversation.messages[index]).first { form in
        let end = position + form.count
        return text[position...].starts(with: form)
          && text[min(end, text.count)...].starts(with: part)
          && (!isLast || end + part.count == text.count)
      }
      guard let form else { return nil }
      ranges.append(position..<position + form.count)
      position += form.count + part.count
    }
    return ranges
  }

  /// How a template may show a content: as it is, or without white space at its ends.
  private func forms(of message: Message) -> [[UInt8]] {
    let content =
      renderer.template.showsToolCalls(of: message)
      ? message.content : message.contentWithToolCalls
    let forms = [content] + [.both, .start, .end].map { PythonString.strip(content, nil, $0) }
    return forms.map { Array($0.utf8) }
  }

  /// What the template writes before, between and after the sentinels of these turns; nil if it does
  /// not show each of them once and in order.
  private func parts(replacing indices: [Int]) throws(Problem) -> [[UInt8]]? {
    var messages = conversation.messages
    for index in indices {
      messages[index].content = sentinel(index)
      (messages[index].toolCalls, messages[index].writtenCalls) = ([], nil)
    }
    let rendered = Array(try renderer.text(of: messages, tools: conversation.tools).utf8)
    var parts: [[UInt8]] = []
    var start = 0
    for index in indices {
      let sentinel = Array(sentinel(index).utf8)
      guard let place = PythonString.find(sentinel, in: rendered, from: start) else { return nil }
      parts.append(Array(rendered[start..<place]))
      start = place + sentinel.count
    }
    parts.append(Array(rendered[start...]))
    let isUnique = parts.allSatisfy { PythonString.find(Array(stem.utf8), in: $0) == nil }
    return isUnique ? parts : nil
  }

  private func sentinel(_ index: Int) -> String { "\(stem)\(index)End" }

  // MARK: One turn

  /// Where one turn lies, whatever the template makes of its content; nil if it does not show it.
  private func turn(_ index: Int) throws(Problem) -> Turn? {
    var refusal = problem(index, "what the template writes after it depends on it")
    do {
      guard let around = try around(index, in: conversation.messages) else { return nil }
      if Self.commonSuffix(text, around.after) == around.after.count {
        let end = text.count - around.after.count
        // A template may write more around a content that it shows than around one that it leaves out.
        let range = min(start(of: index, before: around.before), end)..<end
        if !holdsNextMessage(range, after: index) { return Turn(message: index, text: range) }
        refusal = problem(index, "the template shows the next message inside of it")
      }
    } catch {
      refusal = problem(index, "with another text in its place the template fails (\(error))")
    }
    // A text of which the template makes more than itself cannot be learnt.
    guard !isPlain(conversation.messages[index]) else { throw refusal }
    for following in Self.followings {
      if let turn = try? turn(index, before: following) { return turn }
    }
    guard let turn = try? turnOfCalls(index), !holdsNextMessage(turn.text, after: index) else {
      throw refusal
    }
    return turn
  }

  private func problem(_ index: Int, _ reason: String) -> Problem {
    Problem(
      renderer.template.name,
      "message \(index + 1) cannot be told from what stands around it, because \(reason); leave such "
        + "rows out, use another template, or set data.train_on to \"all\"")
  }

  /// What a template writes before and after a turn that says the sentinel and nothing else; nil if it
  /// does not show it.
  private func around(
    _ index: Int, in messages: [Message]
  ) throws(Problem) -> (before: [UInt8], after: [UInt8])? {
    var messages = messages
    messages[index] = Message(role: "assistant", content: sentinel(index))
    let rendered = try renderer.text(of: messages, tools: conversation.tools)
    let pieces = PythonString.split(rendered, by: sentinel(index)).map { Array($0.utf8) }
    guard pieces.count > 1 else { return nil }
    guard pieces.count == 2 else {
      throw problem(index, "the template shows it \(pieces.count - 1) times")
    }
    return (pieces[0], pieces[1])
  }

  /// What may come after a turn instead of what does: nothing, or a question, because templates show the
  /// last answer and the tools for it otherwise than earlier ones.
  private static let followings = [
    [], [Message(role: "user", content: "question")],
    [Message(role: "user", content: "question"), Message(role: "assistant", content: "answer")],
  ]

  /// Where a turn lies that cannot say something else in its conversation: because a tool's answer must
  /// follow calls, or because calls end otherwise than an answer. The conversation up to this turn
  /// tells, if what the template makes of it is how the whole text begins.
  ///
  /// - Throws: Where the template refuses the shorter conversation.
  private func turn(_ index: Int, before following: [Message]) throws(Problem) -> Turn? {
    let messages = Array(conversation.messages[...index]) + following
    let shown = Array(try renderer.text(of: messages, tools: conversation.tools).utf8)
    guard let around = try around(index, in: messages) else { return nil }
    let same = Self.commonSuffix(shown, around.after)
    var turn = Turn(message: index, text: shown.count - same..<shown.count - same)
    var end = shown.count - same
    if same < around.after.count {
      // The end is not that of an answer, or not all of it; what it is is clear where nothing follows.
      guard following.isEmpty else { return nil }
      end = renderer.special.bounds(across: end, in: shown).upperBound
      if shown[end...].allSatisfy(Self.isSpace) {
        while end > 0, Self.isSpace(shown[end - 1]) { end -= 1 }
        if let token = renderer.special.token(endingAt: end, in: shown) {
          turn.end = end
          end -= token.count
        }
      }
    }
    guard text.starts(with: shown[..<(turn.end ?? end)]) else { return nil }
    turn.text = min(start(of: index, before: around.before), end)..<end
    return turn
  }

  /// Where a turn with calls lies, if the conversation stands with other calls in their place: from where
  /// an answer to the message before it would begin, to what ends a turn after the last call.
  ///
  /// - Throws: Where the template refuses the conversation.
  private func turnOfCalls(_ index: Int) throws(Problem) -> Turn? {
    guard !conversation.messages[index].toolCalls.isEmpty, let start = try startOfAnswer(index)
    else {
      return nil
    }
    var messages = conversation.messages
    messages[index].toolCalls = messages[index].toolCalls.map { call in
      var function = call["function"] ?? call
      let arguments: JSON = ["key": .string(sentinel(index))]
      let isText = function["arguments"]?.string != nil
      function.set("arguments", isText ? .string(arguments.text()) : arguments)
      guard call["function"] != nil else { return function }
      var call = call
      call.set("function", function)
      return call
    }
    let rendered = try renderer.text(of: messages, tools: conversation.tools)
    let pieces = PythonString.split(rendered, by: sentinel(index)).map { Array($0.utf8) }
    guard pieces.count == messages[index].toolCalls.count + 1, let after = pieces.last else {
      return nil
    }
    let rest = text.count - Self.commonSuffix(text, after)
    let ends = renderer.turnEnd.stops.compactMap { stop in
      PythonString.find(Array(stop.utf8), in: text, from: rest).map { ($0, $0 + stop.utf8.count) }
    }
    guard let end = ends.min(by: { $0.0 < $1.0 }), start <= end.0 else { return nil }
    return Turn(message: index, text: start..<end.0, end: end.1)
  }

  /// Where an answer to the message before `index` would begin: behind that message's content and what a
  /// generation prompt writes after it. Nil where the text goes on differently.
  private func startOfAnswer(_ index: Int) throws(Problem) -> Int? {
    guard index > 0 else { return nil }
    var messages = conversation.messages
    messages[index - 1].content = sentinel(index - 1)
    let (mark, tools) = (Array(sentinel(index - 1).utf8), conversation.tools)
    let whole = Array(try renderer.text(of: messages, tools: tools).utf8)
    let prompt = Array(
      try renderer.text(of: Array(messages[..<index]), tools: tools, addGenerationPrompt: true).utf8
    )
    guard let place = PythonString.find(mark, in: whole),
      let end = PythonString.find(mark, in: prompt, backwards: true)
    else { return nil }
    let after = whole[(place + mark.count)...]
    let opening = prompt[(end + mark.count)...]
    guard after.starts(with: opening), after.count <= text.count,
      text.suffix(after.count).elementsEqual(after)
    else { return nil }
    return text.count - after.count + opening.count
  }

  private static func commonSuffix(_ a: [UInt8], _ b: [UInt8]) -> Int {
    zip(a.reversed(), b.reversed()).prefix { $0 == $1 }.count
  }

  /// Whether the next message stands inside a turn, as in templates that show what a tool answered
  /// between a call and the text beside it.
  private func holdsNextMessage(_ range: Range<Int>, after index: Int) -> Bool {
    guard !isPlain(conversation.messages[index]), index + 1 < conversation.messages.count else {
      return false
    }
    var messages = conversation.messages
    messages[index + 1].content = sentinel(index + 1)
    guard let rendered = try? renderer.text(of: messages, tools: conversation.tools) else {
      return false
    }
    let bytes = Array(rendered.utf8)
    let place = PythonString.find(Array(sentinel(index + 1).utf8), in: bytes)
    guard let place, range.contains(place) else { return false }
    return text.starts(with: bytes[..<place])
  }

  private static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

  /// Where a turn begins: behind what the template writes before it. If reasoning or calls follow there,
  /// it is where the next answer would begin, if that can be told: a prompt may open the reasoning, and
  /// what the template writes before a plain answer may be what it closes. Else it is where the texts
  /// differ.
  private func start(of index: Int, before: [UInt8]) -> Int {
    let goesOn = text.starts(with: before)
    if goesOn, isPlain(conversation.messages[index]) { return before.count }
    let prompt = try? renderer.text(
      of: Array(conversation.messages[..<index]), tools: conversation.tools,
      addGenerationPrompt: true)
    if let prompt, text.starts(with: prompt.utf8) {
      return goesOn ? max(before.count, prompt.utf8.count) : prompt.utf8.count
    }
    if goesOn { return before.count }
    var common = 0
    while common < min(text.count, before.count), text[common] == before[common] { common += 1 }
    // Not inside a character, nor inside a token.
    while common > 0, common < text.count, text[common] & 0xC0 == 0x80 { common -= 1 }
    return renderer.special.bounds(across: common, in: text).lowerBound
  }
}
