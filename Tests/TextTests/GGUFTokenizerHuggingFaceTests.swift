import Formats
import TestSupport
import Testing
import Text

@Suite struct GGUFTokenizerHuggingFaceTests {
  private func export(_ gguf: String, to directory: TemporaryDirectory) throws {
    let template = try ChatTemplate.load(gguf)?.source
    for (name, text) in try Tokenizer.huggingFaceFiles(ofGGUF: gguf, template: template) {
      _ = try directory.write(name, text.utf8)
    }
  }

  @Test(arguments: [
    "the", " the the", "abc 123 the\nthe", "<|im_start|>the<|im_end|>", "theth", "\n\n the",
  ])
  func encodesAsTheFileItCameFrom(text: String) throws {
    let directory = try TemporaryDirectory()
    try export(goldenPath("weights/tiny.gguf"), to: directory)
    let gguf = try Tokenizer.load(goldenPath("weights/tiny.gguf"))
    let huggingFace = try Tokenizer.load(directory.path)
    #expect(huggingFace.encode(text) == gguf.encode(text))
    #expect(!huggingFace.encode(text).isEmpty)
  }

  @Test func namesTheSpecialTokensAndTheTemplate() throws {
    let directory = try TemporaryDirectory()
    try export(goldenPath("weights/tiny.gguf"), to: directory)
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

  @Test func beginsTextsWithBOSWhereTheModelWantsIt() throws {
    var bytes = try readFile(goldenPath("weights/tiny.gguf"))
    // The key is followed by the type of its value (4 bytes) and the boolean.
    let key = try #require(bytes.firstRange(of: Array("tokenizer.ggml.add_bos_token".utf8)))
    bytes[key.upperBound + 4] = 1
    let directory = try TemporaryDirectory()
    try export(try directory.write("m.gguf", bytes), to: directory)
    let json = try readJSON(directory.path("tokenizer.json"))
    #expect(
      json["post_processor"]?["single"]?.array?.first?["SpecialToken"]?["id"] == "<|im_start|>")
    #expect(json["post_processor"]?["special_tokens"]?["<|im_start|>"]?["ids"] == [1])
    #expect(try readJSON(directory.path("tokenizer_config.json"))["add_bos_token"] == true)
  }

  @Test func refusesFilesWithoutATokenizer() {
    #expect(throws: Problem.self) {
      try Tokenizer.huggingFaceFiles(ofGGUF: goldenPath("formats/tiny.gguf"), template: nil)
    }
  }
}
