import Formats
import Foundation
import TestSupport
import Testing

/// `finetune recipe`, and what `train` says about recipes that cannot be run.
@Suite struct RecipeVerbTests {
  static let shipped: [String] = {
    let names =
      (try? FileManager.default.contentsOfDirectory(atPath: repository + "/Recipes")) ?? []
    return names.filter { $0.hasSuffix(".json") && $0 != "recipe.schema.json" }.sorted()
  }()

  @Test func thereAreRecipes() { #expect(Self.shipped.count >= 3) }

  @Test(arguments: shipped)
  func everyShippedRecipeIsValid(name: String) throws {
    let result = try Binary.run(["recipe", "check", "Recipes/\(name)"])
    #expect(result.status == 0, "\(result.error)")
    let resolved = try JSONParser.parse(result.output)
    #expect(resolved["training"]?["adam_beta2"]?.number == 0.999)
    let overview = try String(contentsOfFile: repository + "/Recipes/README.md", encoding: .utf8)
    #expect(overview.contains("(\(name))"))
  }

  /// The data of a shipped recipe is shipped as well.
  @Test(arguments: shipped)
  func everyShippedRecipeHasItsData(name: String) throws {
    let bytes = try readFile(repository + "/Recipes/\(name)")
    let data = try #require(try JSONParser.parse(bytes)["data"])
    let sources = (data["train"]?.array ?? []) + (data["validation"]?.array ?? [])
    #expect(!sources.isEmpty)
    for path in sources.compactMap({ $0["path"]?.string }) {
      #expect(FileManager.default.fileExists(atPath: repository + "/" + path), "\(path)")
    }
  }

  @Test func theSchemaFileIsUpToDate() throws {
    let file = try String(
      contentsOfFile: repository + "/Recipes/recipe.schema.json", encoding: .utf8)
    #expect(try Binary.run(["recipe", "schema"]).output == file, "run make docs")
  }

  @Test func theReferenceIsUpToDate() throws {
    let file = try String(contentsOfFile: repository + "/Docs/recipes.md", encoding: .utf8)
    #expect(try Binary.run(["recipe", "explain", "--markdown"]).output == file, "run make docs")
  }

  @Test func aKeyIsExplained() throws {
    let result = try Binary.run(["recipe", "explain", "adapter.rank"])
    #expect(
      result.output == """
        adapter.rank
          Rank r of the low-rank factors A [r, inputs] and B [outputs, r].
          expected: a whole number from 1 to 4096
          default:  8
          known elsewhere as r, lora_r, lora_rank

        """)
    let unknown = try Binary.run(["recipe", "explain", "adapter.rnak"])
    #expect(unknown.status == 2)
    #expect(unknown.error.contains("did you mean"))
  }

  // MARK: What is wrong with a recipe

  /// Runs a verb on a recipe with this text; every path in the sentences is cut to its name.
  private func outcome(_ text: String, verb: [String]) throws -> (status: Int32, error: String) {
    let directory = try TemporaryDirectory()
    _ = try directory.write("r.json", text.utf8)
    let result = try Binary.run(verb + ["r.json"], in: directory.path)
    #expect(result.output == "")
    return (result.status, result.error)
  }

  @Test(arguments: [["recipe", "check"], ["train"], ["train", "--dry-run"]])
  func allProblemsAreToldAtOnce(verb: [String]) throws {
    let (status, error) = try outcome(
      """
      {"model": {"path": "base"}, "adapter": {"rank": 0, "alhpa": 3}, "trainign": {},
       "data": {"train": [{"path": "x.json", "format": "alpaca"}]}, "output": {"directory": "out"}}
      """, verb: verb)
    #expect(status == 2)
    #expect(
      error == """
        finetune: r.json: 3 problems
          adapter.rank: found 0, expected a whole number from 1 to 4096
          adapter.alhpa: unknown key; did you mean "alpha"?
          trainign: unknown section; did you mean "training"?

        """)
  }

  @Test func brokenJSONIsLocated() throws {
    let (status, error) = try outcome("{\n  \"model\": {\n    \"path\": base\n", verb: ["train"])
    #expect(status == 2)
    #expect(error.hasPrefix("finetune: r.json:3:13: found \"b\", expected a value"))
  }

  @Test func aMissingRecipeIsNamed() throws {
    let result = try Binary.run(["train", "nowhere.json"])
    #expect(result.status == 2)
    #expect(result.error.hasPrefix("finetune: nowhere.json: there is no such file"))
  }

  @Test func aDirectoryIsNoRecipe() throws {
    let result = try Binary.run(["train", "Recipes"])
    #expect(result.status == 2)
    #expect(result.error.hasPrefix("finetune: Recipes: this is a directory"))
  }

  @Test func overridesAreCheckedLikeTheFile() throws {
    let recipe = "Recipes/quickstart-lora.json"
    let wrong = try Binary.run(["recipe", "check", recipe, "--set", "training.epohcs=3"])
    #expect(wrong.status == 2)
    #expect(
      wrong.error == "finetune: \(recipe): --set training.epohcs: unknown key; did you mean "
        + "\"epochs\"?\n")
    let right = try Binary.run(["recipe", "check", recipe, "--set", "training.epochs=3"])
    #expect(try JSONParser.parse(right.output)["training"]?["epochs"]?.integer == 3)
  }
}
