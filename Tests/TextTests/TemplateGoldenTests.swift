import Formats
import Foundation
import Testing

@testable import Text

/// Renderings by Jinja as transformers sets it up; `scripts/golden/template*.py` wrote the files.
enum TemplateGolden {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Golden/template")

  static func json(_ file: String) throws -> JSON {
    let bytes = Array(try Data(contentsOf: folder.appendingPathComponent(file)))
    return try JSONParser.parse(bytes)
  }
}

@Suite struct TemplateSnippetTests {
  struct Snippet: Sendable, CustomTestStringConvertible {
    let template: String
    let variables: [String: JSON]
    let expected: String?
    var testDescription: String { template }
  }

  static func snippets() throws -> [Snippet] {
    let json = try TemplateGolden.json("snippets.json")
    let members = json["variables"]?.object?.members ?? []
    let variables = Dictionary(members.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    return (json["cases"]?.array ?? []).compactMap { item in
      item["template"]?.string.map {
        Snippet(template: $0, variables: variables, expected: item["expected"]?.string)
      }
    }
  }

  @Test(arguments: try snippets()) func rendersAsJinja(snippet: Snippet) throws {
    let rendered: String?
    do {
      rendered = try ChatTemplate(source: snippet.template, name: "snippet")
        .render(variables: snippet.variables)
    } catch {
      rendered = nil
      if snippet.expected != nil { Issue.record("\(error)") }
    }
    #expect(
      rendered.map { Array($0.utf8) } == snippet.expected.map { Array($0.utf8) },
      "\(rendered ?? "refused") instead of \(snippet.expected ?? "refused")")
  }
}

/// Templates in the manner of well-known models, over many conversations.
@Suite struct TemplateModelTests {
  @Test(arguments: try TemplateGolden.json("models.json")["expected"]?.object?.keys ?? [])
  func rendersAsTransformers(model: String) throws {
    let json = try TemplateGolden.json("models.json")
    let source = try String(
      contentsOf: TemplateGolden.folder.appendingPathComponent("\(model).jinja"), encoding: .utf8)
    let template = try ChatTemplate(source: source, name: model)
    let expected = json["expected"]?[model]?.object?.members ?? []
    #expect(expected.count > 30)
    for (conversation, text) in expected {
      let members = json["conversations"]?[conversation]?.object?.members ?? []
      let variables = Dictionary(members.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
      let rendered: String?
      do {
        rendered = try template.render(variables: variables)
      } catch {
        rendered = nil
        if !text.isNull { Issue.record("\(conversation): \(error)") }
      }
      #expect(
        rendered.map { Array($0.utf8) } == text.string.map { Array($0.utf8) },
        "\(conversation): \(rendered ?? "refused") instead of \(text.string ?? "refused")")
    }
  }
}
