import Formats
import Testing

@testable import Text

/// Turns with calls and reasoning, as templates of real models treat them.
@Suite struct ToolRenderingTests {
  private static let call: JSON = [
    "type": "function", "function": ["name": "f", "arguments": ["x": "one"]],
  ]

  private static let conversation = Conversation(
    messages: [
      Message(role: "user", content: "q"),
      Message(role: "assistant", content: "Let me see.", toolCalls: [call]),
      Message(role: "tool", content: "result"), Message(role: "assistant", content: "done"),
      Message(role: "user", content: "thanks"), Message(role: "assistant", content: "welcome"),
    ], tools: [["type": "function", "function": ["name": "f", "description": "d"]]])

  private func spans(_ template: String, _ conversation: Conversation = conversation) throws
    -> [String]
  {
    let row = try RenderingGolden.renderer(template).render(conversation)
    let bytes = Array(row.text.utf8)
    return row.spans.map { String(decoding: bytes[$0], as: UTF8.self) }
  }

  private static let calls =
    "{% for c in m.tool_calls %}{{ '(' + c.function.name + c.function.arguments | tojson + ')' }}{% endfor %}"

  /// Without the calls there is nothing that the tool answers.
  @Test func aToolMustAnswerACall() throws {
    let template =
      "{% set ns = namespace(called=false) %}{% for m in messages %}{% if m.role == 'tool' and not ns.called %}"
      + "{{ raise_exception('no call') }}{% endif %}{% if m.role == 'assistant' %}"
      + "{% set ns.called = m.tool_calls is defined %}{% endif %}{{ '[' + m.role + ']' + m.content }}"
      + Self.calls + "{{ '<|im_end|>' }}{% endfor %}"
    #expect(
      try spans(template) == [
        "Let me see.(f{\"x\": \"one\"})<|im_end|>", "done<|im_end|>", "welcome<|im_end|>",
      ])
  }

  @Test func callsEndWithATokenOfTheirOwn() throws {
    let template =
      "{% for m in messages %}{{ '[' + m.role + ']' + m.content }}" + Self.calls
      + "{{ '<|end|>' if m.tool_calls else '<|im_end|>' }}{% endfor %}"
    #expect(
      try spans(template) == [
        "Let me see.(f{\"x\": \"one\"})<|end|>", "done<|im_end|>", "welcome<|im_end|>",
      ])
  }

  /// The tools stand before the last question, roles must alternate, and the turn ends otherwise.
  @Test func noShorterConversationBeginsAlike() throws {
    let template =
      "{% set ns = namespace(n=0, called=false) %}{% for m in messages %}"
      + "{% if m.role == 'tool' and not ns.called %}{{ raise_exception('no call') }}{% endif %}"
      + "{% set ns.called = m.tool_calls is defined or m.role == 'tool' %}"
      + "{% if m.role == 'user' and loop.index0 + 2 >= messages | length %}{{ '[TOOLS]' }}{% endif %}"
      + "{{ '[' + m.role + ']' + m.content }}" + Self.calls
      + "{{ '<|im_end|>' }}{% endfor %}{% if add_generation_prompt %}{{ '[assistant]' }}{% endif %}"
    #expect(
      try spans(template) == [
        "Let me see.(f{\"x\": \"one\"})<|im_end|>", "done<|im_end|>", "welcome<|im_end|>",
      ])
  }

  @Test func aResultInsideATurnIsAProblem() throws {
    let template =
      "{% for m in messages %}{% if m.role != 'tool' %}{{ '[' + m.role + ']' }}" + Self.calls
      + "{% if m.tool_calls %}{{ '{' + loop.nextitem.content + '}' if loop.nextitem is defined }}{% endif %}"
      + "{{ m.content + '<|im_end|>' }}{% endif %}{% endfor %}"
    let error = try #require(throws: Problem.self) { try spans(template) }
    #expect(error.description.contains("the template shows the next message inside of it"))
  }

  @Test(arguments: ["reasoning_content", "thinking", "reasoning"])
  func reasoningIsTrainedUnderEveryName(key: String) throws {
    let template =
      "{% for m in messages %}{{ '[' + m.role + ']' }}{% if m.\(key) %}"
      + "{{ '<think>' + m.\(key) + '</think>' }}{% endif %}{{ m.content + '<|im_end|>' }}{% endfor %}"
    var answer = Message(role: "assistant", content: "a")
    answer.body[key] = "because"
    let conversation = Conversation(messages: [Message(role: "user", content: "q"), answer])
    #expect(try spans(template, conversation) == ["<think>because</think>a<|im_end|>"])
    #expect(try ChatTemplate(source: template, name: "t").showsReasoning)
  }

  @Test func reasoningWithoutAPlaceIsReported() throws {
    let template = "{% for m in messages %}{{ m.content + '<|im_end|>' }}{% endfor %}"
    let conversation = Conversation(messages: [
      Message(role: "user", content: "q"),
      Message(role: "assistant", content: "a", reasoning: "because"),
    ])
    let row = try RenderingGolden.renderer(template).render(conversation)
    #expect(row.remarks.count == 1 && row.remarks[0].contains("reasoning"))
  }

  @Test func argumentsAsTextAreRead() throws {
    let template = try ChatTemplate(source: "{{ (x | from_json).a[1] }}", name: "t")
    #expect(try template.render(variables: ["x": "{\"a\": [1, 2]}"]) == "2")
    #expect(throws: Problem.self) { try template.render(variables: ["x": "{"]) }
    #expect(throws: Problem.self) { try template.render(variables: ["x": 5]) }
  }
}
