import Formats
import Foundation
import Testing

@testable import Text

/// Where templates come from; every test writes the files of a small model directory.
@Suite struct TemplateChoiceTests {
  private func withModel(
    _ files: [String: String], _ body: (String) throws -> Void
  ) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("template-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in files {
      try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }
    try body(folder.path)
  }

  private func source(_ path: String) throws -> String? { try ChatTemplate.load(path)?.source }

  @Test func theJinjaFileWins() throws {
    let files = [
      "chat_template.jinja": "file", "tokenizer_config.json": "{\"chat_template\": \"key\"}",
    ]
    try withModel(files) { path in
      let source = try source(path)
      #expect(source == "file")
    }
  }

  @Test(arguments: [
    ("{\"chat_template\": \"key\"}", "key"), ("{\"chat_template\": null}", nil), ("{}", nil),
    (
      "{\"chat_template\": [{\"name\": \"tool_use\", \"template\": \"a\"}, {\"name\": \"default\", \"template\": \"b\"}]}",
      "b"
    ),
  ])
  func readsTheConfiguration(text: String, expected: String?) throws {
    try withModel(["tokenizer_config.json": text]) { path in
      let source = try source(path)
      #expect(source == expected)
    }
  }

  @Test(arguments: [
    "{\"chat_template\": 5}", "{\"chat_template\": [{\"name\": \"rag\", \"template\": \"a\"}]}",
    "{",
    "{\"chat_template\": \"{{\"}",
  ])
  func refusesWhatIsNoTemplate(text: String) throws {
    try withModel(["tokenizer_config.json": text]) { path in
      let error = try #require(throws: Problem.self) { try ChatTemplate.load(path) }
      #expect(error.description.contains("tokenizer_config.json"))
    }
  }

  @Test func autoNeedsATemplateOfTheModel() throws {
    try withModel([:]) { path in
      let error = try #require(throws: Problem.self) {
        try ChatTemplate.choose("auto", modelPath: path)
      }
      #expect(error.description.hasPrefix("data.template: "))
      for name in BuiltInTemplates.names { #expect(error.description.contains("\"\(name)\"")) }
    }
  }

  @Test func namesAndFilesAreChosen() throws {
    try withModel(["mine.jinja": "{{ messages | length }}"]) { path in
      let own = try ChatTemplate.choose(path + "/mine.jinja", modelPath: "nowhere")
      #expect(try own.render(messages: []) == "0")
      #expect(try ChatTemplate.choose("chatml", modelPath: "nowhere").name.contains("chatml"))
      let unknown = try #require(throws: Problem.self) {
        try ChatTemplate.choose("chatlm", modelPath: "nowhere")
      }
      #expect(unknown.description.contains("\"chatlm\" is no template"))
      let missing = try #require(throws: Problem.self) {
        try ChatTemplate.choose(path + "/other.jinja", modelPath: "nowhere")
      }
      #expect(missing.description.contains("other.jinja"))
    }
  }
}
