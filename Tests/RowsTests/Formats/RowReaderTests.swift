import Formats
import Testing
import Text

@testable import Rows

@Suite struct RowReaderTests {
  private func read(_ text: String, _ format: RowFormat) throws -> Conversation {
    let reader = RowReader(RowSource(path: "rows.jsonl", format: format))
    return try #require(try reader.read(try JSONParser.parse(text)).content.conversations.first)
  }

  private func turns(_ conversation: Conversation) -> [String] {
    conversation.messages.map { "\($0.role)=\($0.content)" }
  }

  @Test(arguments: [
    (#"{"instruction": "q", "input": "", "output": "a"}"#, ["user=q", "assistant=a"]),
    (#"{"instruction": "q", "input": null, "output": "a"}"#, ["user=q", "assistant=a"]),
    (#"{"instruction": "q", "input": "i", "output": "a"}"#, ["user=q\n\ni", "assistant=a"]),
    (
      #"{"instruction": "q", "output": " a\n", "system": "s"}"#,
      ["system=s", "user=q", "assistant= a\n"]
    ),
    (#"{"instruction": "q", "input": "", "response": "a"}"#, ["user=q", "assistant=a"]),
    (#"{"INSTRUCTION": "q", "RESPONSE": "a"}"#, ["user=q", "assistant=a"]),
    (#"{"prompt": "q", "completion": "a"}"#, ["user=q", "assistant=a"]),
    (#"{"prompt": "q", "generation": "a"}"#, ["user=q", "assistant=a"]),
    (
      #"{"system_prompt": "s", "question": "q", "answer": "a"}"#,
      ["system=s", "user=q", "assistant=a"]
    ),
    // The format's own names win over columns that happen to stand beside them.
    (
      #"{"instruction": "q", "prompt": "Below is q", "output": "a", "answer": 5}"#,
      ["user=q", "assistant=a"]
    ),
    (
      #"{"instruction": "q", "output": "a", "history": [["b", "c"]]}"#,
      ["user=b", "assistant=c", "user=q", "assistant=a"]
    ),
  ])
  func readsAlpaca(row: String, expected: [String]) throws {
    #expect(turns(try read(row, .alpaca)) == expected)
  }

  @Test(arguments: [
    (
      #"{"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}"#,
      ["user=q", "assistant=a"]
    ),
    (
      #"{"system": "s", "conversations": [{"from": "user", "value": "q"}, {"from": "assistant", "value": "a"}]}"#,
      ["system=s", "user=q", "assistant=a"]
    ),
    (
      #"{"system": "", "conversations": [{"from": "system", "value": "s"}, {"from": "gpt", "value": "a"}]}"#,
      ["system=s", "assistant=a"]
    ),
    (
      #"{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}"#,
      ["user=q", "assistant=a"]
    ),
    (
      #"{"conversations": [{"role": "user", "content": [{"type": "text", "text": "q"}, {"type": "text", "text": "r"}]}, {"role": "assistant", "content": "a"}]}"#,
      ["user=qr", "assistant=a"]
    ),
    (
      #"{"conversations": [{"from": "observation", "value": "o"}, {"from": "tool", "value": "p"}, {"from": "gpt", "value": "a"}]}"#,
      ["tool=o", "tool=p", "assistant=a"]
    ),
  ])
  func readsShareGPT(row: String, expected: [String]) throws {
    #expect(turns(try read(row, .sharegpt)) == expected)
  }

  @Test(arguments: [
    (#"{"from": "function_call", "value": "{\"name\": \"f\", \"arguments\": {\"x\": 1}}"}"#),
    (#"{"from": "function_call", "value": "[{\"name\": \"f\", \"arguments\": \"{\\\"x\\\": 1}\"}]"}"#),
    (#"{"role": "assistant", "content": null, "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": {"x": 1}}}]}"#),
  ])
  func readsToolCalls(message: String) throws {
    let conversation = try read(#"{"conversations": [\#(message)]}"#, .sharegpt)
    let call: JSON = ["type": "function", "function": ["name": "f", "arguments": ["x": 1]]]
    #expect(conversation.messages.map(\.toolCalls) == [[call]])
    #expect(conversation.messages[0].role == "assistant")
  }

  @Test(arguments: [
    (#""[{\"name\": \"f\", \"parameters\": {}}]""#, 1), (#"[{"name": "f"}]"#, 1),
    (#"[{"type": "function", "function": {"name": "f"}}]"#, 1), ("\"\"", 0), ("null", 0), ("[]", 0),
  ])
  func readsTools(tools: String, count: Int) throws {
    let row = #"{"conversations": [{"from": "gpt", "value": "a"}], "tools": \#(tools)}"#
    let conversation = try read(row, .sharegpt)
    #expect(conversation.tools.count == count)
    for tool in conversation.tools {
      #expect(tool["type"] == "function")
      #expect(tool["function"]?["name"] == "f")
    }
  }

  @Test func readsWeights() throws {
    let row =
      #"{"messages": [{"role": "assistant", "content": "a", "weight": 0}, {"role": "assistant", "content": "b", "weight": 1}]}"#
    #expect(try read(row, .sharegpt).messages.map(\.isTrained) == [false, true])
  }

  @Test(arguments: [
    ("[]", "found a list, expected an object"), ("{}", "\"instruction\" is missing"),
    (#"{"instruction": "q"}"#, "\"output\" is missing, expected a string"),
    (#"{"instruction": 5, "output": "a"}"#, "\"instruction\" is a number, expected a string"),
    (#"{"instruction": "q", "output": ["a"]}"#, "\"output\" is a list"),
    (#"{"instruction": "q", "output": ""}"#, "\"output\" is empty"),
    (#"{"instruction": "q", "output": " \n\u00a0"}"#, "\"output\" is empty"),
    (#"{"instruction": "q", "output": null}"#, "\"output\" is missing"),
    (#"{"instruction": "q", "input": 7, "output": "a"}"#, "\"input\" is a number"),
    (#"{"instruction": " ", "input": "", "output": "a"}"#, "\"instruction\" is empty"),
    (
      #"{"instruction": "q", "response": "a", "completion": "b"}"#,
      "\"response\" and \"completion\", expected only one"
    ),
    (
      #"{"instruction": "q", "output": "a", "history": [["b"]]}"#,
      "\"history\" holds something else"
    ),
    (#"{"instruction": "q", "output": "a", "tools": "[{"}"#, "\"tools\""),
  ])
  func saysWhyARowIsNoAlpaca(row: String, sentence: String) throws {
    try expectFault(row, .alpaca, sentence)
  }

  @Test(arguments: [
    ("{}", "\"messages\" (or \"conversations\") is missing"),
    (#"{"conversations": {}}"#, "is an object, expected a list"),
    (#"{"conversations": []}"#, "the conversation is empty"),
    (#"{"conversations": [5]}"#, "message 1: found a number"),
    (#"{"conversations": [{"value": "q"}]}"#, "message 1: \"from\" is missing"),
    (#"{"conversations": [{"from": "gpt"}]}"#, "message 1: \"content\" is missing"),
    (#"{"conversations": [{"from": "gpt", "value": 1}]}"#, "message 1: \"value\" is a number"),
    (
      #"{"conversations": [{"from": "gpt", "value": ""}]}"#,
      "message 1: the assistant's text is empty"
    ),
    (
      #"{"conversations": [{"from": "bard", "value": "x"}]}"#,
      "message 1: the role \"bard\" is unknown"
    ),
    (
      #"{"conversations": [{"from": "human", "value": "q"}]}"#,
      "no message is of role \"assistant\""
    ),
    (
      #"{"system": "s", "conversations": [{"from": "system", "value": "t"}, {"from": "gpt", "value": "x"}]}"#,
      "found \"system\" and a first message"
    ),
    (
      #"{"conversations": [{"from": "function_call", "value": "f(x)"}]}"#,
      "message 1: the tool call is text that is not JSON"
    ),
    (
      #"{"conversations": [{"from": "function_call", "value": "{\"name\": \"f\"}"}]}"#,
      "message 1: the tool call has no \"arguments\""
    ),
    (#"{"messages": [{"role": "assistant", "content": "a", "weight": -1}]}"#, "\"weight\" is -1"),
    (
      #"{"messages": [{"role": "assistant", "content": [{"type": "image_url"}]}]}"#,
      "a part that is no text"
    ),
    (#"{"conversations": [{"from": "gpt", "value": "a"}], "tools": 5}"#, "\"tools\" is a number"),
  ])
  func saysWhyARowIsNoShareGPT(row: String, sentence: String) throws {
    try expectFault(row, .sharegpt, sentence)
  }

  private func expectFault(_ row: String, _ format: RowFormat, _ sentence: String) throws {
    let fault = try #require(throws: RowFault.self) { try read(row, format) }
    #expect(fault.sentence.contains(sentence), "\(fault.sentence)")
  }
}
