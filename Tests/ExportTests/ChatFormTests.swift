import Formats
import TestSupport
import Testing
import Text

@testable import Export

@Suite struct ChatFormTests {
  private func form(_ file: String, _ tokens: [String: JSON] = [:]) throws -> ChatForm? {
    let source = String(decoding: try readFile(goldenPath("template/\(file).jinja")), as: UTF8.self)
    let template = try ChatTemplate(source: source, name: file)
    return ChatForm {
      try? template.render(messages: $0, addGenerationPrompt: true, extra: tokens)
    }
  }

  /// A system message that the template adds itself stands before the first turn.
  @Test func findsChatML() throws {
    let form = try #require(try form("chatml"))
    #expect(
      form.head
        == "<|im_start|>system\nYou answer questions.<|im_end|>\n<|im_start|>user\n")
    #expect(form.systemHead == "<|im_start|>system\n")
    #expect(form.systemTail == "<|im_end|>\n<|im_start|>user\n")
    #expect(form.middle == "<|im_end|>\n<|im_start|>assistant\n")
    #expect(form.join == "<|im_end|>\n<|im_start|>user\n")
  }

  @Test func findsLlama3() throws {
    let form = try #require(try form("llama3", ["bos_token": "<|begin_of_text|>"]))
    #expect(form.head.hasPrefix("<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n"))
    #expect(form.head.hasSuffix("<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n"))
    #expect(form.middle == "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n")
  }

  /// Without a place for system messages they go before what the user says.
  @Test func putsSystemMessagesBeforeTheUser() throws {
    let form = try #require(try form("gemma", ["bos_token": "<bos>"]))
    #expect(form.head == "<bos><start_of_turn>user\n")
    #expect(form.systemHead == form.head)
    #expect(form.join == "<end_of_turn>\n<start_of_turn>user\n")
  }

  @Test func isNilForAnotherForm() {
    // The last user's turn is written otherwise.
    #expect(
      ChatForm { messages in
        messages.map { $0.content + "|" }.joined() + "\(messages.count)"
      } == nil)
    #expect(ChatForm { _ in nil } == nil)
  }

  @Test func writesAGoTemplate() {
    let form = ChatForm(
      head: "<u>", systemHead: "<s>", systemTail: "</s><u>", middle: "</u>{{<a>", join: "</a>\n<u>")
    let expected =
      "{{ if .System }}<s>{{ .System }}</s><u>{{ else }}<u>{{ end }}"
      + "{{ range $i, $_ := .Messages }}{{ $last := eq (len (slice $.Messages $i)) 1 }}"
      + "{{ if eq .Role \"user\" }}{{ .Content }}</u>{{ \"{{\" }}<a>"
      + "{{ else if eq .Role \"assistant\" }}{{ .Content }}"
      + "{{ if not $last }}</a>\n<u>{{ end }}{{ end }}{{ end }}"
    let file = Modelfile(model: "m.gguf", form: form, stops: ["</a>", "\"\n"], system: "Be kind.")
    #expect(
      file.text == """
        FROM ./m.gguf
        TEMPLATE \"""\(expected)\"""
        PARAMETER stop "</a>"
        PARAMETER stop "\\"\\n"
        SYSTEM \"""Be kind.\"""

        """)
  }
}
