import Formats
import Testing

@testable import Text

/// The exact texts of the formats that templates are named after.
@Suite struct BuiltInTemplateTests {
  private static let messages = [
    Message(role: "system", content: "S"), Message(role: "user", content: "a"),
    Message(role: "assistant", content: "b"), Message(role: "user", content: "c"),
  ]

  @Test(arguments: [
    (
      "alpaca",
      "<s>S\n\n### Instruction:\na\n\n### Response:\nb</s>\n\n### Instruction:\nc\n\n### Response:\n"
    ),
    (
      "chatml",
      "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n"
        + "<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n"
    ),
    ("deepseek", "<s>S<｜User｜>a<｜Assistant｜>b</s><｜User｜>c<｜Assistant｜>"),
    (
      "gemma",
      "<s><start_of_turn>user\nS\n\na<end_of_turn>\n<start_of_turn>model\nb<end_of_turn>\n"
        + "<start_of_turn>user\nc<end_of_turn>\n<start_of_turn>model\n"
    ),
    ("llama-2", "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\na [/INST] b </s><s>[INST] c [/INST]"),
    (
      "llama-3",
      "<s><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|>"
        + "<|start_header_id|>user<|end_header_id|>\n\na<|eot_id|>"
        + "<|start_header_id|>assistant<|end_header_id|>\n\nb<|eot_id|>"
        + "<|start_header_id|>user<|end_header_id|>\n\nc<|eot_id|>"
        + "<|start_header_id|>assistant<|end_header_id|>\n\n"
    ),
    (
      "llama-3.1",
      "<s><|start_header_id|>system<|end_header_id|>\n\n"
        + "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\nS<|eot_id|>"
        + "<|start_header_id|>user<|end_header_id|>\n\na<|eot_id|>"
        + "<|start_header_id|>assistant<|end_header_id|>\n\nb<|eot_id|>"
        + "<|start_header_id|>user<|end_header_id|>\n\nc<|eot_id|>"
        + "<|start_header_id|>assistant<|end_header_id|>\n\n"
    ),
    ("mistral", "<s>[INST] a[/INST] b</s>[INST] S\n\nc[/INST]"),
    (
      "phi-3",
      "<|system|>\nS<|end|>\n<|user|>\na<|end|>\n<|assistant|>\nb<|end|>\n<|user|>\nc<|end|>\n"
        + "<|assistant|>\n"
    ),
    (
      "qwen",
      "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n"
        + "<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n"
    ),
    (
      "qwen-3",
      "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n"
        + "<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n"
    ),
    ("vicuna", "<s>S USER: a ASSISTANT: b</s>USER: c ASSISTANT:"),
    (
      "zephyr",
      "<|system|>\nS</s>\n<|user|>\na</s>\n<|assistant|>\nb</s>\n<|user|>\nc</s>\n<|assistant|>\n"
    ),
  ])
  func writesTheFormat(name: String, text: String) throws {
    let template = try ChatTemplate.choose(name, modelPath: "")
    let rendered = try template.render(
      messages: Self.messages, addGenerationPrompt: true,
      extra: ["bos_token": "<s>", "eos_token": "</s>"])
    #expect(Array(rendered.utf8) == Array(text.utf8))
  }

  @Test func everyNameHasATest() {
    let tested = [
      "alpaca", "chatml", "deepseek", "gemma", "llama-2", "llama-3", "llama-3.1", "mistral",
      "phi-3", "qwen", "qwen-3", "vicuna", "zephyr",
    ]
    #expect(BuiltInTemplates.names == tested)
  }

  @Test func hyphensMayBeLeftOut() throws {
    #expect(try ChatTemplate.choose("llama3", modelPath: "").name == "template \"llama-3\"")
    #expect(try ChatTemplate.choose("llama3.1", modelPath: "").name.contains("llama-3.1"))
    #expect(try ChatTemplate.choose("phi3", modelPath: "").name == "template \"phi-3\"")
  }

  @Test func defaultsOfQwenAndVicuna() throws {
    let question = [Message(role: "user", content: "a")]
    let qwen = try ChatTemplate.choose("qwen", modelPath: "").render(messages: question)
    #expect(qwen.hasPrefix("<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a"))
    let vicuna = try ChatTemplate.choose("vicuna", modelPath: "").render(messages: question)
    #expect(vicuna.hasSuffix("polite answers to the user's questions. USER: a "))
  }
}
