import Formats
import Foundation
import TestSupport
import Testing

/// `finetune data check` and `finetune data stats`.
@Suite struct DataVerbTests {
  private static let sources =
    #"data.train=[{"path": "rows.jsonl", "format": "alpaca"}]"#

  @Test func aRecipeIsChecked() throws {
    let run = try DamagedRows.run()
    let result = try run.run("data", "check", "r.json", "--set", Self.sources)
    #expect(result.status == 2)
    #expect(result.error == "")
    #expect(
      result.output.hasPrefix("rows.jsonl, held.jsonl: 6 rows, 5 findings (3 damage, 2 doubts)"))
    for line in [
      "  empty-answer   1  rows.jsonl:2", "  leak           1  held.jsonl:1",
      "  control-token  1  rows.jsonl:3", "  duplicate      1  rows.jsonl:4",
      "  email          1  rows.jsonl:5",
    ] {
      #expect(result.output.contains(line), "\(result.output)")
    }
    #expect(
      result.output.contains("held.jsonl:1: the held-out row is also a training row, rows.jsonl:1"))
    #expect(!result.output.contains("anna.marsh@"))
  }

  @Test func findingsAreJSON() throws {
    let run = try DamagedRows.run()
    let result = try run.run("data", "check", "r.json", "--set", Self.sources, "--json")
    #expect(result.status == 2)
    let report = try JSONParser.parse(result.output)
    #expect(report["rows"] == 6 && report["refused_rows"] == 1 && report["rendered"] == true)
    #expect(report["damage"] == 3 && report["doubts"] == 2 && report["notes"] == 0)
    let findings = try #require(report["findings"]?.array)
    #expect(findings.count == 5)
    let leak = try #require(findings.first { $0["kind"] == "leak" })
    #expect(leak["file"] == "held.jsonl" && leak["line"] == 1 && leak["index"] == 0)
    #expect(leak["severity"] == "damage" && leak["other"]?["file"] == "rows.jsonl")
  }

  @Test func filesAreCheckedWithAndWithoutAModel() throws {
    let run = try DamagedRows.run()
    let plain = try run.run(
      "data", "check", "rows.jsonl", "--format", "alpaca", "--validation", "held.jsonl")
    #expect(plain.status == 2)
    #expect(plain.output.contains("note: without --model only texts are looked at"))
    #expect(plain.output.contains("  chat-markup "))
    let known = try run.run(
      "data", "check", "rows.jsonl", "--format", "alpaca", "--model", TinyRun.model,
      "--max-length", "40")
    #expect(known.output.contains("  control-token "))
    #expect(known.output.contains("tokens are more than max_length 40: the row is left out"))
  }

  @Test func goodRowsAreNoFinding() throws {
    let run = try TinyRun()
    let result = try run.run("data", "check", "r.json")
    #expect(result.status == 0)
    #expect(result.output == "rows.json, held.jsonl: 15 rows, nothing found\n")
  }

  /// Zeros where the embedding of the token that ends a turn should be.
  @Test func aTokenThatTheBaseNeverLearntIsNamed() throws {
    let run = try TinyRun()
    let model = run.directory.path("base")
    try FileManager.default.copyItem(atPath: TinyRun.model, toPath: model)
    let path = model + "/model.safetensors"
    var bytes = try readFile(path)
    let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try JSONParser.parse(Array(bytes[8..<8 + length]))
    let table = try #require(header["model.embed_tokens.weight"])
    let offsets = try #require(table["data_offsets"]?.array).compactMap { $0.integer }
    let rows = try #require(table["shape"]?.array?.first?.integer)
    let tokenizer = try readJSON(model + "/tokenizer.json")
    let tokens = try #require(tokenizer["added_tokens"]?.array)
    let id = try #require(tokens.first { $0["content"] == "<|im_end|>" }?["id"]?.integer)
    let size = (offsets[1] - offsets[0]) / rows
    let start = 8 + length + offsets[0] + id * size
    for index in start..<start + size { bytes[index] = 0 }
    try Data(bytes).write(to: URL(filePath: path))
    let result = try run.run("data", "check", "r.json", "--set", "model.path=base")
    #expect(result.status == 2)
    #expect(result.output.contains("base: the template writes <|im_end|>, whose embedding is zero"))
    #expect(result.output.contains("15 rows, 1 finding (1 damage)"))
  }

  /// The rows of this repository are learnt from in its examples.
  @Test func theShippedRowsHaveNoDamage() throws {
    for (file, format) in [
      ("Data/ferry-alpaca.json", "alpaca"), ("Data/ferry-sharegpt.jsonl", "sharegpt"),
    ] {
      let result = try Binary.run(["data", "check", file, "--format", format])
      #expect(result.status == 0, "\(result.output)")
    }
  }

  @Test(arguments: [
    (["check", "r.json", "--format", "alpaca"], "finetune: r.json: a recipe says"),
    (["check", "no.jsonl", "--format", "alpaca"], "finetune: no.jsonl: "),
    (["stats", "rows.jsonl", "--format", "alpaca", "--set", "a.b=1"], "finetune: --set: "),
  ])
  func wrongArgumentsAreSaid(arguments: [String], sentence: String) throws {
    let run = try DamagedRows.run()
    let result = try Binary.run(["data"] + arguments, in: run.directory.path)
    #expect(result.status == 2 && result.output == "")
    #expect(result.error.hasPrefix(sentence), "\(result.error)")
  }

  @Test func aRecipeIsCounted() throws {
    let run = try TinyRun()
    let result = try run.run("data", "stats", "r.json")
    #expect(result.status == 0)
    let lines = result.output.split(separator: "\n")
    #expect(lines[1].hasPrefix("rows.json ") && lines[2].hasPrefix("held.jsonl (held out) "))
    for word in ["padding", "packing", "shared", "steps", "█", "longest: "] {
      #expect(result.output.contains(word), "\(result.output)")
    }
  }

  /// The figures are those of the run itself.
  @Test func countsAreThoseOfTheRun() throws {
    let run = try TinyRun()
    let found = try JSONParser.parse(try run.run("data", "stats", "r.json", "--json").output)
    let plan = try run.train("--dry-run").error
    let source = try #require(found["sources"]?.array?.first)
    let tokens = try #require(source["tokens"]?.integer)
    let trained = try #require(source["trained_tokens"]?.integer)
    let steps = try #require(found["batches"]?["steps"]?.integer)
    #expect(plan.contains("\(tokens) an epoch, \(trained) of them trained"), "\(plan)")
    #expect(plan.contains("steps    \(steps) in 4 epochs"), "\(plan)")
    let histogram = try #require(source["histogram"]?.array)
    #expect(histogram.reduce(0) { $0 + ($1["rows"]?.integer ?? 0) } == 12)
    let batches = try #require(found["batches"])
    // One row a micro-batch needs no padding.
    #expect(batches["padded_tokens"] == batches["tokens"])
  }

  // MARK: What train says by itself

  @Test func trainingNamesLeaksAndControlTokens() throws {
    let run = try DamagedRows.run()
    let result = try run.train("--dry-run", "--set", Self.sources)
    #expect(result.status == 0, "\(result.error)")
    #expect(
      result.error.contains(
        "warning: 1 of 1 held-out rows also stand in the training data, the first is held.jsonl:1 (like rows.jsonl:1)"
      ),
      "\(result.error)")
    #expect(
      result.error.contains(
        "in 1 row a text of the row becomes control tokens of the model, the first is rows.jsonl:3"),
      "\(result.error)")
    #expect(try TinyRun().train("--dry-run").error.contains("warning") == false)
  }

  @Test func trainingNamesRowsThatStandTwice() throws {
    let run = try TinyRun()
    let row = DamagedRows.lines[0] + "\n"
    _ = try run.directory.write("rows.jsonl", (row + row + DamagedRows.lines[4] + "\n" + row).utf8)
    let result = try run.train("--dry-run", "--set", Self.sources)
    #expect(
      result.error.contains(
        "warning: 2 of 4 training rows repeat another one, the first is rows.jsonl:2 (like rows.jsonl:1)"
      ),
      "\(result.error)")
  }
}
