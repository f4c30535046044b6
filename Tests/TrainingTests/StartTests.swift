import Formats
import Foundation
import Recipes
import TestSupport
import Testing
import Training

/// The weights are read beside everything else that a start does; what a user is told stays in order.
@Suite struct StartTests {
  let folder: TemporaryDirectory

  init() throws {
    folder = try TemporaryDirectory()
    try FileManager.default.copyItem(
      atPath: goldenPath("tiny-llama"), toPath: folder.path("model"))
    try writeFile(
      folder.path("rows.jsonl"), #"{"instruction": "Say it", "output": "There it is."}"# + "\n")
  }

  /// The last weight becomes no number, in float32 and in bfloat16.
  private func breakWeights() throws {
    let path = folder.path("model/model.safetensors")
    let bytes = try readFile(path)
    try writeFile(path, bytes: bytes.dropLast(4) + [0, 0, 0xC0, 0x7F])
  }

  @discardableResult
  private func run(_ onEvent: @escaping (TrainingEvent) -> Void = { _ in }) throws
    -> Trainer.Outcome
  {
    let json: JSON = [
      "model": ["path": .string(folder.path("model"))],
      "data": ["train": [["path": .string(folder.path("rows.jsonl")), "format": "alpaca"]]],
      "training": ["max_steps": 1, "micro_batch_size": 1, "gradient_accumulation_steps": 1],
      "output": ["directory": .string(folder.path("run"))],
    ]
    let recipe = try Recipe(json: json, source: "test", overrides: [])
    return try Trainer(recipe: recipe, resume: false, onEvent: onEvent).run()
  }

  private func problem() throws -> String {
    try #require(throws: Problem.self) { try run() }.description
  }

  @Test func brokenWeightsAreToldAfterTheRecordsAreWritten() throws {
    try breakWeights()
    #expect(try problem().contains("infinite or not a number"))
    #expect(fileExists(folder.path("run/rows.jsonl")))
  }

  @Test func whatElseIsWrongIsToldBeforeBrokenWeights() throws {
    try breakWeights()
    try writeFile(folder.path("rows.jsonl"), "no row\n")
    for _ in 0..<5 { #expect(try problem().contains("rows.jsonl:1")) }
    try writeFile(folder.path("model/tokenizer.json"), "{}")
    for _ in 0..<5 { #expect(try problem().contains("tokenizer.json")) }
  }

  @Test func everyPhaseIsToldOnceBeforeTheFirstStep() throws {
    var phases: [StartPhase] = []
    var hasStarted = false
    try run { event in
      if case .phase(let phase, let seconds) = event {
        #expect(seconds >= 0 && !hasStarted)
        phases.append(phase)
      }
      if case .started = event { hasStarted = true }
    }
    #expect(phases.count == StartPhase.allCases.count)
    #expect(Set(phases) == Set(StartPhase.allCases))
  }
}
