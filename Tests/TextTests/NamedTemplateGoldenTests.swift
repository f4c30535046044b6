import Formats
import TestSupport
import Testing

@testable import Text

/// Named templates write what the models' own templates write; `scripts/golden/named_templates.py` made
/// the file.
@Suite struct NamedTemplateGoldenTests {
  private func golden() throws -> JSON {
    try readJSON(goldenPath("named-templates/cases.json"))
  }

  private func messages(_ json: JSON?) -> [Message] {
    (json?.array ?? []).map { message in
      Message(
        role: message["role"]?.string ?? "", content: message["content"]?.string ?? "",
        reasoning: message["reasoning_content"]?.string,
        toolCalls: message["tool_calls"]?.array ?? [], toolCallID: message["tool_call_id"]?.string,
        name: message["name"]?.string)
    }
  }

  @Test(arguments: BuiltInTemplates.names) func writesWhatTheModelWrites(name: String) throws {
    let golden = try golden()
    let entry = try #require(golden["templates"]?[name])
    let cases = try #require(entry["cases"]?.array)
    #expect(cases.count >= 8)
    var template = try ChatTemplate.choose(name, modelPath: "")
    for example in cases {
      let label = example["conversation"]?.string ?? ""
      let conversation = try #require(golden["conversations"]?[label])
      template.variables = TemplateVariables(example["extra"]?.object ?? JSONObject())
      var extra: [String: JSON] = [:]
      for (token, text) in entry["tokens"]?.object?.members ?? [] { extra[token] = text }
      if conversation["tools"] == true { extra["tools"] = golden["tools"] }
      let text = try template.render(
        messages: messages(conversation["messages"]),
        addGenerationPrompt: example["prompt"] == true, extra: extra)
      let expected = try #require(example["text"]?.string)
      let difference = "\(text.debugDescription) instead of \(expected.debugDescription)"
      #expect(
        text.utf8.elementsEqual(expected.utf8),
        "\(label) \(example["prompt"]?.text() ?? ""): \(difference)")
    }
  }

  /// What a format has no place for is refused where the model's own template leaves it out.
  @Test(arguments: ["gemma", "llama-2", "phi-3", "vicuna", "zephyr"])
  func refusesResultsOfTools(name: String) throws {
    let template = try ChatTemplate.choose(name, modelPath: "")
    let messages = [
      Message(role: "user", content: "a"), Message(role: "assistant", content: "b"),
      Message(role: "tool", content: "c"),
    ]
    let problem = #expect(throws: Problem.self) { try template.render(messages: messages) }
    #expect(problem?.description.contains("no turn for the role tool") == true)
  }

  /// Rows need no ids of calls, which the model's own template demands.
  @Test func mistralWritesCallsWithoutIDs() throws {
    let call: JSON = ["type": "function", "function": ["name": "f", "arguments": ["x": 1]]]
    let text = try ChatTemplate.choose("mistral", modelPath: "").render(
      messages: [
        Message(role: "user", content: "a"),
        Message(role: "assistant", content: "", toolCalls: [call]),
        Message(role: "tool", content: "2"),
      ], extra: ["eos_token": "</s>"])
    #expect(
      text == "[INST] a[/INST][TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {\"x\": 1}}]</s>"
        + "[TOOL_RESULTS] {\"content\": 2}[/TOOL_RESULTS]")
  }
}
