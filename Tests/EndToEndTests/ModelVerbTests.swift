import Formats
import Foundation
import TestSupport
import Testing

/// `eval`, `merge`, `generate`, `quantize` on what `train` leaves.
@Suite struct ModelVerbTests {
  private func trained() throws -> TinyRun {
    let run = try TinyRun()
    let result = try run.train()
    #expect(result.status == 0, "\(result.error)")
    return run
  }

  private func evaluate(_ run: TinyRun, _ arguments: [String]) throws -> JSON {
    let result = try Binary.run(
      ["eval", "--data", "held.jsonl", "--format", "alpaca", "--json"] + arguments,
      in: run.directory.path)
    #expect(result.status == 0, "\(result.error)")
    return try JSONParser.parse(result.output)
  }

  @Test func evaluationPrintsOneObject() throws {
    let run = try trained()
    let base = try evaluate(run, ["--model", TinyRun.model])
    #expect(
      base.object?.keys == ["loss", "perplexity", "tokens", "rows", "dropped_rows", "seconds"])
    #expect(base["rows"]?.integer == 3)
    let loss = try #require(base["loss"]?.number)
    let perplexity = try #require(base["perplexity"]?.number)
    #expect(abs(perplexity - exp(loss)) < 1e-9 * perplexity)
    // The run measured the same before its first step and after its last.
    let evaluations = try run.metrics().filter { $0["eval_loss"] != nil }
    #expect(evaluations.first?["eval_loss"]?.number == loss)
    let tuned = try evaluate(
      run,
      ["--model", TinyRun.model, "--adapter", "out/adapter"])
    #expect(tuned["loss"]?.number == evaluations.last?["eval_loss"]?.number)
  }

  @Test func severalAdaptersAreComparedWithTheBase() throws {
    let run = try trained()
    let result = try run.run(
      "eval", "--model", TinyRun.model, "--adapter", "out/adapter", "--data", "held.jsonl",
      "--format", "alpaca")
    #expect(result.status == 0)
    let lines = result.output.split(separator: "\n")
    #expect(lines.count == 4)
    #expect(lines[1].hasPrefix(TinyRun.model))
    #expect(lines[2].hasPrefix("out/adapter"))
    #expect(lines[2].hasSuffix(" %"))
  }

  @Test func theMergedModelEqualsBaseAndAdapter() throws {
    let run = try trained()
    let merge = try run.run(
      "merge", "--model", TinyRun.model, "--adapter", "out/adapter", "--output", "merged",
      "--dtype", "float32")
    #expect(merge.status == 0, "\(merge.error)")
    let merged = try evaluate(run, ["--model", "merged", "--compute-dtype", "float32"])
    let tuned = try evaluate(
      run,
      ["--model", TinyRun.model, "--adapter", "out/adapter", "--compute-dtype", "float32"])
    let difference = try #require(merged["loss"]?.number) - (try #require(tuned["loss"]?.number))
    #expect(abs(difference) < 1e-5)
  }

  @Test func aQuantizedModelIsTheQuantizedBase() throws {
    let run = try TinyRun()
    let quantize = try run.run("quantize", "--model", TinyRun.model, "--output", "nf4")
    #expect(quantize.status == 0, "\(quantize.error)")
    let stored = try evaluate(run, ["--model", "nf4", "--compute-dtype", "float32"])
    let packed = try evaluate(
      run,
      ["--model", TinyRun.model, "--quantization", "nf4", "--compute-dtype", "float32"])
    let difference = try #require(stored["loss"]?.number) - (try #require(packed["loss"]?.number))
    #expect(abs(difference) < 1e-6)
  }

  @Test(arguments: [["--temperature", "0"], ["--temperature", "0.8", "--seed", "3"]])
  func answersRepeat(sampling: [String]) throws {
    let run = try TinyRun()
    let arguments =
      ["generate", "--model", TinyRun.model, "--prompt", "Say fog", "--max-new-tokens", "12"]
      + sampling
    let first = try Binary.run(arguments, in: run.directory.path)
    #expect(first.status == 0, "\(first.error)")
    #expect(first.output.hasSuffix("\n"))
    #expect(try Binary.run(arguments, in: run.directory.path).output == first.output)
  }

  @Test func theTunedModelAnswersInItsStyle() throws {
    let run = try TinyRun()
    #expect(try run.train("--set", "training.epochs=60").status == 0)
    let result = try run.run(
      "generate", "--model", TinyRun.model, "--adapter", "out/adapter", "--prompt", "Say rope",
      "--max-new-tokens", "24")
    #expect(result.output.hasPrefix("Aye, "))
  }

  @Test func anAdapterOfAnotherModelIsRefused() throws {
    let run = try trained()
    let config = String(decoding: try run.bytes("out/adapter/adapter_config.json"), as: UTF8.self)
    try FileManager.default.copyItem(
      atPath: run.directory.path("out/adapter"), toPath: run.directory.path("bent"))
    _ = try run.directory.write(
      "bent/adapter_config.json", config.replacing("\"r\": 4", with: "\"r\": 5").utf8)
    let result = try run.run(
      "eval", "--model", TinyRun.model, "--adapter", "bent", "--data", "held.jsonl", "--format",
      "alpaca")
    #expect(result.status == 2)
    #expect(result.error.contains("bent"))
    #expect(!result.error.contains("Fatal error"))
  }
}
