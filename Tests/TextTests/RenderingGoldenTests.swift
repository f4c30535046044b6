import Formats
import Foundation
import Testing

@testable import Text

/// Loss masks by transformers' generation marks; `scripts/golden/template_rendering.py` wrote the files.
enum RenderingGolden {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Golden/template-rendering")

  static func tokenizer() throws -> Tokenizer { try Tokenizer.load(folder.path) }

  static func renderer(
    _ template: String, trainOn: TrainOn = .assistant
  ) throws -> Renderer {
    Renderer(
      tokenizer: try tokenizer(), template: try ChatTemplate(source: template, name: "template"),
      trainOn: trainOn)
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let json: JSON
    var testDescription: String { json["name"]?.string ?? "" }

    var conversation: Conversation {
      let messages = (json["messages"]?.array ?? []).map { message in
        Message(
          role: message["role"]?.string ?? "", content: message["content"]?.string ?? "",
          toolCalls: message["tool_calls"]?.array ?? [])
      }
      return Conversation(messages: messages, tools: json["tools"]?.array ?? [])
    }
  }

  static func cases() throws -> [Case] {
    let bytes = Array(try Data(contentsOf: folder.appendingPathComponent("cases.json")))
    return try JSONParser.parse(bytes).array?.map(Case.init) ?? []
  }
}

@Suite struct RenderingGoldenTests {
  @Test(arguments: try RenderingGolden.cases())
  func masksWhatTheTemplateMarks(example: RenderingGolden.Case) throws {
    let renderer = try RenderingGolden.renderer(example.json["template"]?.string ?? "")
    let row = try renderer.render(example.conversation)
    #expect(Array(row.text.utf8) == (example.json["text"]?.string).map { Array($0.utf8) })
    let spans = example.json["spans"]?.array?.map { $0.array?.compactMap(\.integer) ?? [] }
    #expect(row.spans.map { [$0.lowerBound, $0.upperBound] } == spans)
    #expect(row.ids.map(Int.init) == example.json["ids"]?.array?.compactMap(\.integer))
    #expect(row.labels.map(Int.init) == example.json["labels"]?.array?.compactMap(\.integer))
  }
}
