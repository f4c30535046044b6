import Formats
import Foundation
import Testing
import Recipes

@Suite struct RecipeFileTests {
  /// Writes `text` to a file of its own and returns what loading it says.
  private func load(_ text: String) throws -> Result<Recipe, Problem> {
    let path = NSTemporaryDirectory() + "/recipe-\(UUID().uuidString).json"
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    do {
      return .success(try Recipe.load(path: path))
    } catch {
      let sentences = error.sentences.map { $0.replacing(path, with: "r.json") }
      #expect(error.kind == .input)
      return .failure(Problem(heading: sentences.joined(separator: "\n"), problems: []))
    }
  }

  private func sentence(_ result: Result<Recipe, Problem>) -> String {
    switch result {
    case .success: return ""
    case .failure(let problem): return problem.sentences[0]
    }
  }

  @Test func aFileIsRead() throws {
    #expect(try load(minimalRecipe).get().model.path == "base")
  }

  @Test(arguments: [
    (
      "{\n  \"model\": {},\n  \"data\": {]\n}",
      "r.json:3:12: found \"]\", expected a key in double quotes"
    ),
    (
      "{\"model\": {\"path\": \"base\",}}",
      "r.json:1:27: found \"}\", expected a key in double quotes"
    ),
    ("", "r.json:1:1: found the end of the file, expected a value"),
    ("{} {}", "r.json:1:4: found \"{\" after the end of the value"),
  ])
  func brokenJSONIsLocated(text: String, place: String) throws {
    #expect(try sentence(load(text)).hasPrefix(place))
  }

  @Test func aListIsNoRecipe() throws {
    #expect(try sentence(load("[]")).hasPrefix("r.json: found a list, expected an object"))
  }

  @Test func nestingIsBounded() throws {
    let deep = String(repeating: "[", count: 100_000)
    #expect(try sentence(load(deep)).contains("nested deeper than 256 levels"))
  }

  @Test func missingFilesAndDirectoriesAreSaid() throws {
    #expect(throws: Problem.self) { try Recipe.load(path: "/nowhere/r.json") }
    #expect(throws: Problem.self) { try Recipe.load(path: NSTemporaryDirectory()) }
  }

  @Test func hugeKeysStayReadable() throws {
    let key = String(repeating: "k", count: 1_000_000)
    let found = try sentence(load("{\"\(key)\": 1}"))
    #expect(found.utf8.count < 2000)
  }
}
