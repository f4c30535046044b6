import Formats
import Foundation
import TestSupport
import Testing

/// A working directory with a few short rows, a held-out file and a recipe over the tiny golden Llama:
/// a whole run takes a moment.
final class TinyRun {
  let directory: TemporaryDirectory
  static let model = goldenPath("tiny-llama")

  /// Twelve rows to learn from and three held out, of one pattern, so that learning shows.
  init() throws {
    directory = try TemporaryDirectory()
    let words = [
      "fog", "rope", "lamp", "deck", "book", "bell", "goat", "oil", "peg", "horn", "mule",
      "wick", "crab", "nest", "cord",
    ]
    let rows = words.enumerated().map { index, word in
      JSON.object(
        JSONObject([
          ("instruction", .string("Say \(word)")),
          ("input", .string(index.isMultiple(of: 3) ? "twice" : "")),
          ("output", .string("Aye, \(word) \(word). Over.")),
        ]))
    }
    _ = try directory.write("rows.json", JSON.array(Array(rows.prefix(12))).text().utf8)
    let held = rows.dropFirst(12).map { $0.text() + "\n" }.joined()
    _ = try directory.write("held.jsonl", held.utf8)
    _ = try directory.write("r.json", Self.recipe.utf8)
  }

  private static let recipe = """
    {"model": {"path": "\(model)"},
     "adapter": {"rank": 4, "alpha": 8},
     "data": {"train": [{"path": "rows.json", "format": "alpaca"}],
              "validation": [{"path": "held.jsonl", "format": "alpaca"}], "max_length": 128},
     "training": {"epochs": 4, "micro_batch_size": 1, "gradient_accumulation_steps": 2,
                  "learning_rate": 0.01, "threads": 1},
     "evaluation": {"every_steps": 5}, "checkpoint": {"every_steps": 3},
     "output": {"directory": "out"}}
    """

  /// `finetune train r.json …` in this directory.
  func train(_ arguments: String...) throws -> Binary.Result {
    try Binary.run(["train", "r.json"] + arguments, in: directory.path)
  }

  func run(_ arguments: String...) throws -> Binary.Result {
    try Binary.run(arguments, in: directory.path)
  }

  func bytes(_ name: String) throws -> [UInt8] { try readFile(directory.path(name)) }

  func exists(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: directory.path(name))
  }

  /// The objects of `metrics.jsonl`.
  func metrics(_ run: String = "out") throws -> [JSON] {
    try String(decoding: bytes("\(run)/metrics.jsonl"), as: UTF8.self)
      .split(separator: "\n").map { try JSONParser.parse(String($0)) }
  }
}

/// The adapter's weights, in which every difference of a run would show.
let adapterFile = "adapter/adapter_model.safetensors"
