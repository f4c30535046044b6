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
    var text: Range<Int>
    /// Where what ends the turn ends, if that is not simply what follows the text.
    var end: Int?
  }

  /// Where these messages' texts lie, in order; a turn that the template does not show has no place.
  ///
  /// - Throws: Where a text cannot be told from what the template writes around it.
  func turns(of indices: [Int]) throws(Problem) -> [Turn] {
    let plain = indices.filter { isPlain(conversation.messages[$0]) }
    var turns: [Turn] = []
    var rest = indices
    if !plain.isEmpty, let found = together(plain) {
      turns = found.map { Turn(text: $0) }
      rest = indices.filter { !isPlain(conversation.messages[$0]) }
    }
    for index in rest {
      if let turn = try turn(index) { turns.append(turn) }
    }
    return turns.sorted { $0.text.lowerBound < $1.text.lowerBound }
  }

  /// Whether the template has nothing of a turn to show but its content.
  private func isPlain(_ message: Message) -> Bool {
    (message.toolCalls.isEmpty || !renderer.template.showsToolCalls)
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
      renderer.template.showsToolCalls ? message.content : message.contentWithToolCalls
    let forms = [content] + [.both, .start, .end].map { PythonString.strip(content, nil, $0) }
    return forms.map { Array($0.utf8) }
  }

  /// What the template writes before, between and after the sentinels of these turns; nil if it does
  /// not show each of them once and in order.
  private func parts(replacing indices: [Int]) throws(Problem) -> [[UInt8]]? {
    var messages = conversation.messages
    for index in indices { messages[index] = Message(role: "assistant", content: sentinel(index)) }
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
    let refusal: Problem
    do {
      let around = try around(index, in: conversation.messages)
      guard let around else { return nil }
      if text.count >= around.after.count,
        text.suffix(around.after.count).elementsEqual(around.after)
      {
        let end = text.count - around.after.count
        // A template may write more around a content that it shows than around one that it leaves out.
        let range = min(start(of: index, before: around.before), end)..<end
        if !holdsNextMessage(range, after: index) { return Turn(text: range) }
      }
      refusal = Problem(
        renderer.template.name,
        "what it writes after message \(index + 1) depends on that message, so the loss mask cannot be "
          + "found; use another template or set data.train_on to \"all\"")
    } catch {
      refusal = error
    }
    guard let turn = try? last(index) else { throw refusal }
    return turn
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
      throw Problem(
        renderer.template.name,
        "it shows message \(index + 1) \(pieces.count - 1) times, so the loss mask cannot be found; use "
          + "another template or set data.train_on to \"all\"")
    }
    return (pieces[0], pieces[1])
  }

  /// Where a turn lies that cannot say something else in the whole conversation: because a tool's answer
  /// must follow calls, or because calls end otherwise than an answer. The conversation up to this turn
  /// tells, if that is how the whole text begins.
  ///
  /// - Throws: Where the template refuses a conversation that ends with this turn.
  private func last(_ index: Int) throws(Problem) -> Turn? {
    let messages = Array(conversation.messages[...index])
    let shown = Array(try renderer.text(of: messages, tools: conversation.tools).utf8)
    guard let around = try around(index, in: messages) else { return nil }
    var same = 0
    while same < min(shown.count, around.after.count),
      shown[shown.count - 1 - same] == around.after[around.after.count - 1 - same]
    {
      same += 1
    }
    var end = shown.count - same
    if same < around.after.count { end = renderer.special.bounds(across: end, in: shown).upperBound }
    var turn = Turn(text: end..<end)
    if shown[end...].allSatisfy(Self.isSpace) {
      // Nothing in common: the turn has an end of its own.
      while end > 0, Self.isSpace(shown[end - 1]) { end -= 1 }
      turn.end = end
      end -= renderer.special.token(endingAt: end, in: shown)?.count ?? 0
    }
    guard text.starts(with: shown[..<(turn.end ?? end)]) else { return nil }
    turn.text = min(start(of: index, before: around.before), end)..<end
    return turn
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

  /// Where a turn begins: behind what the template writes before it. If the text goes on differently,
  /// as with reasoning that a template moves to the front or with marks around calls, it is where the
  /// next answer would begin, or where the texts differ.
  private func start(of index: Int, before: [UInt8]) -> Int {
    if text.starts(with: before) { return before.count }
    var common = 0
    while common < min(text.count, before.count), text[common] == before[common] { common += 1 }
    // Not inside a character, nor inside a token.
    while common > 0, common < text.count, text[common] & 0xC0 == 0x80 { common -= 1 }
    common = renderer.special.bounds(across: common, in: text).lowerBound
    let prompt = try? renderer.text(
      of: Array(conversation.messages[..<index]), tools: conversation.tools,
      addGenerationPrompt: true)
    guard let prompt, text.starts(with: prompt.utf8) else { return common }
    return min(common, prompt.utf8.count)
  }
}
