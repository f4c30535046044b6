import Formats
import Testing

@testable import Text

@Suite struct RenderingTests {
  private static let chat = """
    {% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}\
    {% endfor %}
    """

  private static func conversation(_ turns: (String, String)...) -> Conversation {
    Conversation(
      messages: turns.map { Message(role: $0.0, content: $0.1) }, place: "rows.json: row 1")
  }

  private static let two = conversation(
    ("user", "a"), ("assistant", "first"), ("user", "b"), ("assistant", "second"))

  private func spans(_ row: RenderedRow) -> [String] {
    let bytes = Array(row.text.utf8)
    return row.spans.map { String(decoding: bytes[$0], as: UTF8.self) }
  }

  @Test func trainsOnlyTheLastAnswer() throws {
    let row = try RenderingGolden.renderer(Self.chat, trainOn: .last).render(Self.two)
    #expect(spans(row) == ["second<|im_end|>"])
  }

  @Test func trainsEverything() throws {
    let row = try RenderingGolden.renderer(Self.chat, trainOn: .all).render(Self.two)
    #expect(row.labels == row.ids)
  }

  @Test func leavesOutTurnsThatTheRowExcludes() throws {
    var conversation = Self.two
    conversation.messages[1].weight = 0
    let row = try RenderingGolden.renderer(Self.chat).render(conversation)
    #expect(spans(row) == ["second<|im_end|>"])
    // "last" means the last answer, not the last one that is trained.
    conversation.messages[1].weight = 1
    conversation.messages[3].weight = 0
    let last = try RenderingGolden.renderer(Self.chat, trainOn: .last).render(conversation)
    #expect(last.spans.isEmpty && !last.isTrained)
  }

  @Test func saysWhetherAnswersEnd() throws {
    #expect(try RenderingGolden.renderer(Self.chat).render(Self.two).endsTurns)
    let plain = "{% for m in messages %}{{ m.role ~ ': ' ~ m.content ~ '\\n' }}{% endfor %}"
    let open = try RenderingGolden.renderer(plain).render(Self.two)
    #expect(!open.endsTurns)
  }

  @Test func nothingIsAddedToTheRenderedText() throws {
    let template =
      "{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}{{ eos_token }}"
    let tokenizer = try RenderingGolden.tokenizer()
    let row = try RenderingGolden.renderer(template).render(Self.conversation(("assistant", "x")))
    #expect(row.text == "<s>x<|im_end|>")
    #expect(row.ids.filter { $0 == tokenizer.id(of: "<s>") }.count == 1)
    #expect(tokenizer.decode(row.ids, skipSpecialTokens: false) == row.text)
  }

  @Test func findsTurnsWhoseTextLooksLikeASentinel() throws {
    let text = "AnswerOfTheAssistant1End AnswerOfTheAssistant"
    let row = try RenderingGolden.renderer(Self.chat).render(
      Self.conversation(("user", text), ("assistant", text), ("user", "x"), ("assistant", text)))
    #expect(spans(row) == [text + "<|im_end|>", text + "<|im_end|>"])
  }

  @Test func turnsThatTheTemplateHidesAreNotTrained() throws {
    let row = try RenderingGolden.renderer("{{ messages[-1].content + '<|im_end|>' }}").render(
      Self.two)
    #expect(spans(row) == ["second<|im_end|>"])
  }

  @Test func aTextThatChangesWhatFollowsIsAProblem() throws {
    let template =
      "{% for m in messages %}{{ m.content ~ '<|im_end|>' ~ (m.content | length) }}{% endfor %}"
    let renderer = try RenderingGolden.renderer(template)
    let error = try #require(throws: Problem.self) { try renderer.render(Self.two) }
    #expect(
      error.description.hasPrefix(
        "template: message 2 cannot be told from what stands around it, because what the template"))
  }

  @Test func everythingNeedsNoMask() throws {
    let template = "{% for m in messages %}{{ m.content ~ (m.content | length) }}{% endfor %}"
    let row = try RenderingGolden.renderer(template, trainOn: .all).render(Self.two)
    #expect(row.labels == row.ids)
  }

  @Test func aTextShownTwiceIsAProblem() throws {
    let renderer = try RenderingGolden.renderer(
      "{% for m in messages %}{{ m.content ~ m.content }}{% endfor %}")
    #expect(throws: Problem.self) { try renderer.render(Self.two) }
  }

  @Test func refusalsOfTheTemplateAreProblems() throws {
    let renderer = try RenderingGolden.renderer(
      "{% if messages[0].role != 'user' %}{{ raise_exception('user first') }}{% endif %}")
    let error = try #require(throws: Problem.self) {
      try renderer.render(Self.conversation(("assistant", "x")))
    }
    #expect(error.description == "template:1:39: the template refuses it: user first")
  }

  @Test func toolCallsBecomeTextWhereTheTemplateHasNoPlaceForThem() throws {
    let call: JSON = ["type": "function", "function": ["name": "f", "arguments": ["x": 1]]]
    let conversation = Conversation(
      messages: [
        Message(role: "user", content: "q"),
        Message(role: "assistant", content: "", toolCalls: [call]),
      ], tools: [["type": "function", "function": ["name": "f"]]])
    let row = try RenderingGolden.renderer(Self.chat).render(conversation)
    #expect(spans(row) == ["{\"name\": \"f\", \"arguments\": {\"x\": 1}}<|im_end|>"])
    #expect(row.remarks.count == 2)
  }

  @Test func aTemplateForOtherModelsIsAProblem() throws {
    let tokenizer = try RenderingGolden.tokenizer()
    let foreign = try ChatTemplate.choose("llama3", modelPath: "")
    let error = try #require(throws: Problem.self) {
      try Renderer(tokenizer: tokenizer, template: foreign, trainOn: .assistant).checkTemplate()
    }
    #expect(error.description.contains("<|start_header_id|>"))
    let fitting = try ChatTemplate.choose("chatml", modelPath: "")
    try Renderer(tokenizer: tokenizer, template: fitting, trainOn: .assistant).checkTemplate()
  }

  @Test(arguments: BuiltInTemplates.names) func builtInTemplatesMarkAnswers(name: String) throws {
    let template = try ChatTemplate.choose(name, modelPath: "")
    let renderer = Renderer(
      tokenizer: try RenderingGolden.tokenizer(), template: template, trainOn: .assistant)
    let row = try renderer.render(
      Self.conversation(
        ("system", "S"), ("user", "a"), ("assistant", "first"), ("user", "b"),
        ("assistant", "second")))
    let end =
      ["alpaca", "chatml", "deepseek", "mistral", "qwen", "qwen-3", "vicuna", "zephyr"]
        .contains(name)
      ? "<|im_end|>" : ""
    // Space behind the header and an empty thought are written by the model, so they are learnt.
    let said = spans(row).map { span in
      PythonString.strip(span).replacing("<think>\n\n</think>\n\n", with: "").prefix(5)
    }
    #expect(said == ["first", "secon"])
    #expect(spans(row)[0].hasSuffix(end))
    // What stands before an answer is what generation starts from; but Mistral's system message moves
    // to the last question.
    if name == "mistral" { return }
    let prompt = try renderer.text(
      of: [Message(role: "system", content: "S"), Message(role: "user", content: "a")],
      addGenerationPrompt: true)
    #expect(row.text.hasPrefix(prompt))
  }
}
