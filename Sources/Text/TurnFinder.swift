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

  /// Byte ranges of these messages' texts, in order; a turn that the template does not show has none.
  ///
  /// - Throws: Where a text cannot be told from what the template writes around it.
  func ranges(of indices: [Int]) throws(Problem) -> [Range<Int>] {
    let showsCalls = renderer.template.showsToolCalls
    let plain = indices.filter { !showsCalls || conversation.messages[$0].toolCalls.isEmpty }
    var ranges: [Range<Int>] = []
    var rest = indices
    if !plain.isEmpty, let found = together(plain) {
      ranges = found
      rest = indices.filter { showsCalls && !conversation.messages[$0].toolCalls.isEmpty }
    }
    for index in rest {
      if let range = try range(of: index) { ranges.append(range) }
    }
    return ranges.sorted { $0.lowerBound < $1.lowerBound }
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

  /// The range of one turn, whatever the template makes of its content; nil if it does not show it.
  private func range(of index: Int) throws(Problem) -> Range<Int>? {
    var messages = conversation.messages
    messages[index] = Message(role: "assistant", content: sentinel(index))
    let rendered = try renderer.text(of: messages, tools: conversation.tools)
    let pieces = PythonString.split(rendered, by: sentinel(index)).map { Array($0.utf8) }
    if pieces.count == 1 { return nil }
    let (before, after) = (pieces[0], pieces[1])
    guard pieces.count == 2, text.count >= after.count,
      text.suffix(after.count).elementsEqual(after)
    else {
      throw Problem(
        renderer.template.name,
        "what it writes after message \(index + 1) depends on that message's text, so the loss mask cannot"
          + " be found; use another template or set data.train_on to \"all\"")
    }
    let end = text.count - after.count
    let start = text.starts(with: before) ? before.count : try start(of: index, before: before)
    // A template may write more around a content that it shows than around one that it leaves out.
    return min(start, end)..<end
  }

  /// Where a turn begins whose content changes what stands before it, as reasoning does that
  /// a template moves to the front: where the next answer would begin, or where the texts differ.
  private func start(of index: Int, before: [UInt8]) throws(Problem) -> Int {
    var common = 0
    while common < min(text.count, before.count), text[common] == before[common] { common += 1 }
    // Not inside a character.
    while common > 0, common < text.count, text[common] & 0xC0 == 0x80 { common -= 1 }
    let prompt = try? renderer.text(
      of: Array(conversation.messages[..<index]), tools: conversation.tools,
      addGenerationPrompt: true)
    guard let prompt, text.starts(with: prompt.utf8) else { return common }
    return min(common, prompt.utf8.count)
  }
}
