import Formats
import TestSupport
import Testing

@testable import Text

/// Variables of a chat template beside the conversation: those that a person gives, and the names of
/// special tokens.
@Suite struct TemplateVariablesTests {
  private func variables(_ options: String...) throws -> TemplateVariables {
    try TemplateVariables(options: options, option: "--template-variable")
  }

  @Test func optionsAreJSON() throws {
    let variables = try variables("b=\"x=y\"", "enable_thinking=false", "list=[1, null]")
    #expect(variables.json == ["b": "x=y", "enable_thinking": false, "list": [1, nil]])
    #expect(try self.variables() == TemplateVariables())
  }

  @Test func equalVariablesAreWrittenEqually() throws {
    #expect(try variables("a=1", "b=2").json.text() == variables("b=2", "a=1").json.text())
    #expect(try variables("a=1") != variables("a=2"))
  }

  @Test(arguments: [
    ("thinking", "expected NAME=JSON"), ("effort=high", "effort: found high, which is no JSON"),
    ("messages=[]", "every rendering sets itself"), ("tools=[]", "every rendering sets itself"),
    ("add_generation_prompt=true", "every rendering sets itself"),
    ("image_token=\"x\"", "every rendering sets itself"), ("=1", "no variable can have"),
    ("2x=1", "no variable can have"), ("a.b=1", "no variable can have"),
  ])
  func othersAreRefused(option: String, sentence: String) throws {
    let problem = #expect(throws: Problem.self) { try variables(option) }
    #expect(problem?.description.contains(sentence) == true, "\(problem?.description ?? "")")
  }

  @Test func aNameIsGivenOnce() throws {
    let problem = #expect(throws: Problem.self) { try variables("a=1", "a=2") }
    #expect(problem?.description.contains("a: found twice") == true)
  }

  @Test func theTemplateSeesThem() throws {
    var template = try ChatTemplate(
      source: "{{ messages[0].content if shout is not defined else shout.how + '!' }}", name: "t")
    let messages = [Message(role: "user", content: "a")]
    #expect(try template.render(messages: messages) == "a")
    template.variables = try variables("shout={\"how\": \"A\"}")
    #expect(try template.render(messages: messages) == "A!")
  }

  /// What a template has a place for may depend on a variable.
  @Test func theyDecideWhatIsShown() throws {
    var template = try ChatTemplate(
      source: "{% for m in messages %}{{ m.content }}{{ m.reasoning_content if thinking }}"
        + "{{ m.tool_calls if tooling }}{{ tools if tooling }}{% endfor %}", name: "t")
    #expect(!template.showsReasoning && !template.showsTools && !template.showsToolCalls)
    template.variables = try variables("thinking=true")
    #expect(template.showsReasoning && !template.showsTools && !template.showsToolCalls)
    template.variables = try variables("tooling=1")
    #expect(!template.showsReasoning && template.showsTools && template.showsToolCalls)
  }

  @Test func aChoiceGivesThemToItsTemplate() throws {
    let choice = TemplateChoice("qwen-3", variables: try variables("enable_thinking=false"))
    let text = try ChatTemplate.chosen(choice, modelPath: "").render(
      messages: [Message(role: "user", content: "a")], addGenerationPrompt: true)
    #expect(text.hasSuffix("<|im_start|>assistant\n<think>\n\n</think>\n\n"))
    let plain = try ChatTemplate.chosen("qwen-3", modelPath: "").render(
      messages: [Message(role: "user", content: "a")], addGenerationPrompt: true)
    #expect(plain.hasSuffix("<|im_start|>assistant\n"))
  }

  // MARK: - Names of tokens

  private func tokenizer(_ files: [String: String]) throws -> Tokenizer {
    let folder = try TemporaryDirectory()
    let source = goldenPath("template-rendering/tokenizer.json")
    _ = try folder.write("tokenizer.json", try readFile(source))
    for (name, text) in files { _ = try folder.write(name, text.utf8) }
    return try Tokenizer.load(folder.path)
  }

  @Test func everyNamedTokenIsAVariable() throws {
    let tokenizer = try tokenizer([
      "tokenizer_config.json": """
      {"bos_token": "<s>", "eos_token": {"content": "<|im_end|>", "lstrip": false},
       "pad_token": "<pad>", "unk_token": null, "add_bos_token": true, "image_token": "<img>",
       "extra_special_tokens": {"audio": "<audio>"}, "additional_special_tokens": ["<x>"],
       "tokenizer_class": "PreTrainedTokenizerFast"}
      """
    ])
    #expect(
      tokenizer.namedTokens == [
        "bos_token": "<s>", "eos_token": "<|im_end|>", "pad_token": "<pad>", "image_token": "<img>",
        "audio": "<audio>",
      ])
    let renderer = Renderer(
      tokenizer: tokenizer,
      template: try ChatTemplate(
        source: "{{ bos_token + eos_token + pad_token + image_token }}{{ unk_token is defined }}",
        name: "t"))
    let text = try renderer.text(of: [Message(role: "user", content: "a")])
    #expect(text == "<s><|im_end|><pad><img>False")
  }

  /// As transformers reads the older file: it wins, but only without the newer list of tokens.
  @Test func theOlderFileOfNamesCountsWithoutTheNewerList() throws {
    let map = "{\"eos_token\": {\"content\": \"<|im_end|>\"}, \"sep_token\": \"<sep>\"}"
    let old = try tokenizer([
      "tokenizer_config.json": "{\"bos_token\": \"<s>\", \"eos_token\": \"<s>\"}",
      "special_tokens_map.json": map,
    ])
    #expect(old.eosToken == "<|im_end|>" && old.namedTokens["sep_token"] == "<sep>")
    let new = try tokenizer([
      "tokenizer_config.json": "{\"eos_token\": \"<s>\", \"added_tokens_decoder\": {}}",
      "special_tokens_map.json": map,
    ])
    #expect(new.eosToken == "<s>" && new.namedTokens["sep_token"] == nil)
  }
}
