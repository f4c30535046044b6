import Formats
import Foundation
import Testing

/// What `make bench` is put together from, on a tiny model.
@Suite struct BenchTests {
  private func measuredStep(_ arguments: [String]) throws -> JSON {
    let result = try Binary.run(
      ["step", "--rows", "1", "--length", "24", "--steps", "3"] + arguments,
      program: Binary.built("finetune-bench"))
    try #require(result.status == 0, "\(result.error)")
    return try JSONParser.parse(result.output)
  }

  @Test(arguments: [[], ["--compute", "float32"], ["--nf4", "--checkpointing"]])
  func aStepIsMeasured(way: [String]) throws {
    let step = try measuredStep(["--model", "Tests/Golden/tiny-llama"] + way)
    #expect(try #require(step["tokens_per_second"]?.number) > 0)
    #expect(step["seconds"]?.array?.count == 3)
    let shares = try #require(step["parts"]?.object).members.compactMap(\.value.number)
    #expect(shares.allSatisfy { $0 > 0 })
    #expect(abs(shares.reduce(0, +) - 1) < 1e-9)
  }

  @Test func anUnknownModelIsOneSentence() throws {
    let result = try Binary.run(
      ["step", "--model", "nowhere"], program: Binary.built("finetune-bench"))
    #expect(result.status != 0)
    #expect(result.error.contains("nowhere"))
    #expect(!result.error.contains("Fatal error"))
  }
}
