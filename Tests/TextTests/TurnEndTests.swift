import Formats
import Testing

@testable import Text

@Suite struct TurnEndTests {
  private func end(_ source: String, _ tokens: [String] = ["<|a|>", "<|b|>", "<|user|>"]) throws
    -> TurnEnd
  {
    try ChatTemplate(source: source, name: "t").turnEnd(
      specialTokens: tokens + ["</s>"], variables: ["bos_token": "<s>", "eos_token": "</s>"])
  }

  @Test func aTokenAfterEveryAnswer() throws {
    let found = try end(
      "{% for m in messages %}{{ '[' + m.role + ']' + m.content + ' <|a|>\n' }}{% endfor %}")
    #expect(found == TurnEnd(text: "<|a|>", stops: ["<|a|>"]))
  }

  /// The two tokens begin alike, and no token is cut.
  @Test func severalTokensEndWithTheLast() throws {
    let found = try end(
      "{% for m in messages %}{{ '<|user|>' if m.role == 'user' }}{{ m.content + '<|b|><|a|>' }}"
        + "{% endfor %}{{ '<|b|>' }}")
    #expect(found == TurnEnd(text: "<|b|><|a|>", stops: ["<|a|>"]))
  }

  @Test func theLastAnswerMayEndDifferently() throws {
    let found = try end(
      "{% for m in messages %}{{ m.content + ('<|a|>' if loop.last else '<|b|>') }}{% endfor %}")
    #expect(found == TurnEnd(text: nil, stops: ["<|a|>", "<|b|>"]))
  }

  @Test func onlyTheNextTurnEndsIt() throws {
    let tokens = try end(
      "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content }}{% endfor %}")
    #expect(tokens == TurnEnd(text: nil, stops: ["<|user|>"]))
    let words = try end(
      "{% for m in messages %}{{ '\n\n' + m.role + ': ' + m.content }}{% endfor %}")
    #expect(words == TurnEnd(text: nil, stops: ["user:"]))
  }

  /// In the manner of Command R7B: the start of an answer stands behind every conversation, and the
  /// system turn ends as answers do.
  private static let answersAlwaysBegin =
    "{{ '<s><|turn|><|system|>S<|over|>' }}{% for m in messages %}{{ '<|turn|>' }}"
    + "{% if m.tool_calls %}{{ '<|bot|><|think|><|done|>[' + m.tool_calls[0].function.arguments.key"
    + " + ']<|acted|><|over|>' }}"
    + "{% elif m.role == 'assistant' %}{{ '<|bot|><|says|>' + m.content + '<|said|><|over|>' }}"
    + "{% else %}{{ '<|' + m.role + '|>' + m.content + '<|over|>' }}{% endif %}{% endfor %}"
    + "{{ '<|turn|><|bot|><|think|><|done|>' }}"

  @Test(arguments: ["</s>", "<|over|>"])
  func theStartOfAnAnswerEndsNothing(eos: String) throws {
    let tokens = [
      "<|turn|>", "<|over|>", "<|bot|>", "<|system|>", "<|user|>", "<|think|>", "<|done|>",
      "<|acted|>", "<|says|>", "<|said|>",
    ]
    let found = try ChatTemplate(source: Self.answersAlwaysBegin, name: "t").turnEnd(
      specialTokens: tokens, variables: ["bos_token": "<s>", "eos_token": .string(eos)])
    #expect(found == TurnEnd(text: "<|said|><|over|>", stops: ["<|over|>"]))
  }

  @Test func callsMayEndDifferently() throws {
    let found = try end(
      "{% for m in messages %}{{ '[' + m.role + ']' + m.content }}"
        + "{% for c in m.tool_calls %}{{ '<|user|>' + c.function.name }}{% endfor %}"
        + "{{ '<|b|>' if m.tool_calls else '<|a|>' }}{% endfor %}")
    #expect(found == TurnEnd(text: "<|a|>", stops: ["<|a|>", "<|b|>"]))
  }
}
