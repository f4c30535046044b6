import Formats
import TestSupport
import Testing

/// The whole fine-tune of `finetune-bench`, and the rows that it is made of.
@Suite struct BenchJobTests {
  private func bench(_ arguments: [String]) throws -> Binary.Result {
    try Binary.run(arguments, program: Binary.built("finetune-bench"))
  }

  private func rows(_ path: String) throws -> [JSON] { try #require(try readJSON(path).array) }

  /// Words and marks, each of which is a token of SmolLM2.
  private func tokens(_ row: JSON, _ key: String) -> Int {
    let text = row[key]?.string ?? ""
    return text.split(whereSeparator: \.isWhitespace).count
      + text.unicodeScalars.count { ",.?\n".unicodeScalars.contains($0) }
  }

  @Test func rowsAreTheSameEveryTime() throws {
    let directory = try TemporaryDirectory()
    for name in ["a", "b"] {
      let result = try bench(["rows", "--output", directory.path(name)])
      try #require(result.status == 0, "\(result.error)")
    }
    for file in ["train.json", "held-out.json"] {
      #expect(try readFile(directory.path("a/\(file)")) == readFile(directory.path("b/\(file)")))
    }
    let held = Set(try rows(directory.path("a/held-out.json")).map { $0.text() })
    #expect(held.count == 50)
    #expect(try rows(directory.path("a/train.json")).allSatisfy { !held.contains($0.text()) })
  }

  /// Against what was counted in 999 rows of the Alpaca set.
  @Test func rowsAreAsLongAsAlpacas() throws {
    let directory = try TemporaryDirectory()
    try #require(try bench(["rows", "--output", directory.path]).status == 0)
    let rows = try rows(directory.path("train.json"))
    try #require(rows.count == 999)
    let answers = rows.map { tokens($0, "output") }.sorted()
    for (share, length) in [(0.05, 8), (0.25, 25), (0.5, 106), (0.75, 259), (0.95, 401)] {
      #expect(abs(answers[Int(share * 999)] - length) <= 1 + length / 50)
    }
    // The template's own tokens and those of the text.
    let lengths = rows.map { row in
      33 + ["instruction", "input", "output"].reduce(0) { $0 + tokens(row, $1) }
        + ((row["input"]?.string ?? "").isEmpty ? 0 : 2)
    }
    let total = lengths.reduce(0, +)
    #expect(abs(total - 201_479) < 2000)
    let padded = stride(from: 0, to: 999, by: 8).reduce(0) { sum, start in
      let batch = lengths[start..<min(start + 8, 999)]
      return sum + (batch.max() ?? 0) * batch.count
    }
    #expect(abs(Double(padded) / Double(total) - 2.11) < 0.02)
  }

  @Test func aJobIsMeasuredAndJudged() throws {
    let directory = try TemporaryDirectory()
    let result = try bench([
      "job", "--model", "Tests/Golden/tiny-llama", "--rows", "20", "--compute-dtype", "float32",
      "--output", directory.path,
    ])
    try #require(result.status == 0, "\(result.error)")
    #expect(result.output.contains("3 steps of 8 rows"))
    #expect(result.output.contains("finetune, float32"))
    #expect(result.output.contains("before training"))
    let recipe = try readJSON(directory.path("finetune/recipe.json"))
    #expect(recipe["data"]?["packing"]?.bool == false)
    #expect(fileExists(directory.path("finetune/adapter/adapter_model.safetensors")))
  }

  @Test func aJobTakesOtherRows() throws {
    let directory = try TemporaryDirectory()
    let own = (0..<40).map { #"{"instruction": "Say \#($0)", "output": "Aye \#($0)."}"# }
    let data = try directory.write("own.json", "[\(own.joined(separator: ","))]".utf8)
    let result = try bench([
      "job", "--model", "Tests/Golden/tiny-llama", "--data", data, "--output",
      directory.path("job"),
    ])
    try #require(result.status == 0, "\(result.error)")
    #expect(result.output.contains("5 steps of 8 rows"))
    #expect(try rows(directory.path("job/train.json")).count == 38)
    #expect(try rows(directory.path("job/held-out.json")).count == 2)
  }

  @Test func aStartIsTakenApart() throws {
    let result = try bench(["start", "--model", "Tests/Golden/tiny-llama", "--rounds", "1"])
    try #require(result.status == 0, "\(result.error)")
    for phase in ["process and libraries", "tokenizer and template", "weights", "first step"] {
      #expect(result.output.contains(phase))
    }
  }
}
