import Formats
import Foundation
import TestSupport
import Testing

/// `export`, `convert` and `compare` on what `train` leaves.
@Suite struct ExportVerbTests {
  private func trained() throws -> TinyRun {
    let run = try TinyRun()
    let result = try run.train()
    #expect(result.status == 0, "\(result.error)")
    return run
  }

  private func perplexity(_ run: TinyRun, _ arguments: String...) throws -> Double {
    let result = try Binary.run(
      [
        "eval", "--data", "held.jsonl", "--format", "alpaca", "--json", "--compute-dtype",
        "float32",
      ]
        + arguments, in: run.directory.path)
    #expect(result.status == 0, "\(result.error)")
    return try #require(try JSONParser.parse(result.output)["perplexity"]?.number)
  }

  @Test func theMergedFileEqualsBaseAndAdapter() throws {
    let run = try trained()
    let result = try run.run(
      "export", "--model", TinyRun.model, "--adapter", "out/adapter", "--format", "gguf", "--type",
      "F32", "--output", "merged.gguf")
    #expect(result.status == 0, "\(result.error)")
    let merged = try perplexity(run, "--model", "merged.gguf")
    let adapted = try perplexity(run, "--model", TinyRun.model, "--adapter", "out/adapter")
    #expect(abs(merged - adapted) < 1e-5 * adapted)
  }

  @Test func anOllamaDirectoryHasAModelfile() throws {
    let run = try trained()
    let result = try run.run(
      "export", "--model", TinyRun.model, "--format", "ollama", "--output", "chat", "--system",
      "Be kind.")
    #expect(result.status == 0, "\(result.error)")
    let path = run.directory.path("chat")
    #expect(try directoryEntries(path) == ["Modelfile", "model.gguf"])
    let text = try String(contentsOfFile: path + "/Modelfile", encoding: .utf8)
    #expect(text.hasPrefix("FROM ./model.gguf\nTEMPLATE \"\"\""))
    #expect(text.contains("PARAMETER stop \"") && text.hasSuffix("SYSTEM \"\"\"Be kind.\"\"\"\n"))
  }

  @Test func convertsThereAndBack() throws {
    let run = try trained()
    let there = try run.run(
      "convert", "--model", TinyRun.model, "--type", "F32", "--output", "base.gguf")
    #expect(there.status == 0, "\(there.error)")
    let back = try run.run("convert", "--model", "base.gguf", "--type", "F32", "--output", "base")
    #expect(back.status == 0, "\(back.error)")
    #expect(
      try perplexity(run, "--model", "base") == perplexity(run, "--model", TinyRun.model))
    let wrong = try run.run(
      "convert", "--model", TinyRun.model, "--type", "Q8_0", "--output", "directory")
    #expect(wrong.status == 2)
    #expect(wrong.error.contains("Q8_0 is a type of GGUF files"))
  }

  @Test func comparisonPrintsOneObjectForEachFormat() throws {
    let run = try trained()
    let result = try run.run(
      "compare", "--model", TinyRun.model, "--adapter", "out/adapter", "--type", "F16", "--type",
      "Q8_0", "--data", "held.jsonl", "--format", "alpaca", "--json", "--keep", "kept")
    #expect(result.status == 0, "\(result.error)")
    let lines = try result.output.split(separator: "\n").map { try JSONParser.parse(String($0)) }
    #expect(lines.map { $0["format"]?.string } == ["bfloat16", "nf4", "F16", "Q8_0"])
    for line in lines {
      #expect((line["perplexity"]?.number ?? 0) > 1)
      #expect((line["tokens_per_second"]?.number ?? 0) > 0)
      #expect((line["bytes"]?.integer ?? 0) > 0)
    }
    #expect(try directoryEntries(run.directory.path("kept")).count == 2)
  }

  @Test func saysWhatAFormatNeeds() throws {
    let run = try TinyRun()
    let result = try run.run(
      "export", "--model", TinyRun.model, "--format", "mlx", "--output", "mlx")
    #expect(result.status == 2)
    #expect(result.error.contains("name one with --adapter"))
    let system = try run.run(
      "export", "--model", TinyRun.model, "--format", "gguf", "--output", "x", "--system", "s")
    #expect(system.status == 2)
    #expect(system.error.contains("only --format ollama has a place for it"))
  }
}
