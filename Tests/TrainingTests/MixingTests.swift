import Formats
import Recipes
import TestSupport
import Testing
import Training

/// Runs on several sources: weights, resuming, figures of each.
@Suite struct MixingTests {
  let runs: TrainerTests

  init() throws { runs = try TrainerTests() }

  private func sources(_ settings: [String]) throws -> String {
    let list = try settings.enumerated().map { number, settings -> String in
      let path = runs.folder.path("source\(number).jsonl")
      let lines = (0..<12).map {
        "{\"instruction\": \"Say \($0)\", \"output\": \"s\(number) number \($0)\"}"
      }
      try writeFile(path, lines.joined(separator: "\n") + "\n")
      return "{\"path\":\"\(path)\",\"format\":\"alpaca\"\(settings)}"
    }
    return "data.train=[\(list.joined(separator: ","))]"
  }

  private func lines(_ recipe: Recipe) throws -> [JSON] {
    try runs.timeless(recipe).map { try JSONParser.parse($0) }
  }

  @Test(arguments: [true, false]) func aMixedRunGoesOnBitForBit(shuffle: Bool) throws {
    let settings = [
      try sources([#","weight":0.5"#, #","samples":15,"name":"second""#]),
      "data.shuffle=\(shuffle)",
    ]
    let whole = try runs.recipe("whole", settings)
    try runs.run(whole)
    let parts = try runs.recipe("parts", settings)
    try runs.run(parts, stopAfter: 3)
    try runs.run(parts, resume: true)
    #expect(try runs.adapterBytes(parts) == runs.adapterBytes(whole))
    let cached = try runs.recipe(
      "cached", settings + ["data.cache=always", "data.cache_directory=\(runs.folder.path("c"))"])
    try runs.run(cached)
    #expect(try runs.adapterBytes(cached) == runs.adapterBytes(whole))
  }

  /// A weight of 1 says nothing, and so does a name.
  @Test func aRecipeWithoutSharesIsAsBefore() throws {
    let plain = try runs.recipe("plain", [try sources(["", ""])])
    let named = try runs.recipe("named", [try sources([#","weight":1"#, #","name":"x""#])])
    for recipe in [plain, named] { try runs.run(recipe) }
    #expect(try runs.adapterBytes(plain) == runs.adapterBytes(named))
  }

  @Test func eachSourceHasItsFigures() throws {
    let recipe = try runs.recipe("figures", [try sources(["", #","name":"second""#])])
    try runs.run(recipe)
    let lines = try lines(recipe)
    let steps = lines.filter { $0["loss"] != nil }
    for step in steps {
      let parts = ["source0.jsonl", "second"].compactMap { step["tokens/\($0)"]?.integer }
      #expect(parts.reduce(0, +) == step["tokens"]?.integer)
    }
    let evaluations = lines.filter { $0["eval_loss"] != nil }
    #expect(evaluations.count > 1)
    for evaluation in evaluations {
      var (loss, tokens) = (0.0, 0)
      for name in ["source0.jsonl", "second"] {
        let own = try #require(evaluation["eval_tokens/\(name)"]?.integer)
        loss += try #require(evaluation["eval_loss/\(name)"]?.number) * Double(own)
        tokens += own
      }
      #expect(tokens == evaluation["eval_tokens"]?.integer)
      expectClose(
        [loss / Double(tokens)], [try #require(evaluation["eval_loss"]?.number)], absolute: 0,
        relative: 1e-9)
    }
  }

  @Test(arguments: [
    (#"[{"path":"a","weight":2,"samples":3}]"#, "data.train[0].samples: found 3 as well as"),
    (#"[{"path":"a","weight":0}]"#, "data.train[0].weight"),
    (
      #"[{"path":"a","name":"x"},{"path":"b","name":"x"}]"#, "data.train[1].name: found \"x\" again"
    ),
  ])
  func whatDoesNotGoTogetherIsTold(train: String, sentence: String) throws {
    let error = try #require(throws: Problem.self) {
      try runs.recipe("bad", "data.train=\(train)")
    }
    #expect(error.description.contains(sentence), "\(error)")
  }

  @Test func heldOutSourcesHaveNoWeight() throws {
    let error = try #require(throws: Problem.self) {
      try runs.recipe(
        "bad", "data.validation_fraction=0", #"data.validation=[{"path":"v","weight":2}]"#)
    }
    #expect(error.description.contains("data.validation[0].weight: found 2.0, expected none"))
  }

  @Test func sourcesAreToldApartByTheirNames() {
    #expect(
      DataSection.names(ofFiles: ["a/x.json", "b/x.json", "b/x.json"])
        == ["x.json", "b/x.json", "b/x.json (2)"])
  }
}
