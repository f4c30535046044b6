import Formats
import TestSupport
import Testing
import Text

@Suite struct GGUFTokenizerExportTests {
  private func export(to directory: TemporaryDirectory) throws {
    for (name, text) in try GGUFTokenizerExport(goldenPath("weights/tiny.gguf")).files {
      _ = try directory.write(name, text.utf8)
    }
  }

  @Test(arguments: [
    "the", " the the", "abc 123 the\nthe", "<|im_start|>the<|im_end|>", "theth", "\n\n the",
  ])
  func encodesAsTheFileItCameFrom(text: String) throws {
    let directory = try TemporaryDirectory()
    try export(to: directory)
    let gguf = try Tokenizer.load(goldenPath("weights/tiny.gguf"))
    let huggingFace = try Tokenizer.load(directory.path)
    #expect(huggingFace.encode(text) == gguf.encode(text))
    #expect(!huggingFace.encode(text).isEmpty)
  }

  @Test func namesTheSpecialTokensAndTheTemplate() throws {
    let directory = try TemporaryDirectory()
    try export(to: directory)
    let tokenizer = try Tokenizer.load(directory.path)
    #expect(tokenizer.bosToken == "<|im_start|>")
    #expect(tokenizer.eosToken == "<|im_end|>")
    #expect(tokenizer.specialTokens.map(\.text) == ["<|end|>", "<|im_start|>", "<|im_end|>"])
    let configuration = try readJSON(directory.path("tokenizer_config.json"))
    let template = String(
      decoding: try readFile(directory.path("chat_template.jinja")), as: UTF8.self)
    #expect(configuration["chat_template"]?.string == template)
    #expect(template.hasPrefix("{% for m in messages %}"))
    #expect(configuration["pad_token"] == "<|end|>")
  }

  @Test func refusesFilesWithoutATokenizer() {
    #expect(throws: Problem.self) { try GGUFTokenizerExport(goldenPath("formats/tiny.gguf")) }
  }
}
