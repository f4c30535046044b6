import Formats
import Foundation
import Model
import Recipes
import Tensors
import TestSupport
import Testing
import Training

/// A run that was stopped and resumed leaves the bytes of one that ran through, whatever the recipe:
/// recipes are drawn at random, with few of their settings at the default.
@Suite struct ResumeTests {
  @Test(arguments: 0..<30) func stoppedAndResumedEqualsUninterrupted(draw: Int) throws {
    var drawn = try DrawnRecipe(seed: UInt64(draw))
    defer { withExtendedLifetime(drawn) {} }
    let total = try run(drawn.recipe("whole"))
    let stops = drawn.stops(before: total)
    let parts = try drawn.recipe("parts")
    for (index, stop) in stops.enumerated() {
      _ = try run(parts, resume: index > 0, stopAfter: stop)
    }
    _ = try run(parts, resume: true)
    let whole = try drawn.recipe("whole").output.directory
    let note: Comment = "seed \(draw), stopped at \(stops) of \(total): \(parts.json.text())"
    for name in ["adapter_model.safetensors", "adapter_config.json"] {
      #expect(
        try readFile("\(whole)/adapter/\(name)")
          == readFile("\(parts.output.directory)/adapter/\(name)"), note)
    }
    #expect(try timeless(whole) == timeless(parts.output.directory), note)
  }

  /// - Parameter stopAfter: The step at whose end the run is asked to stop.
  /// - Returns: The last step that was made.
  private func run(
    _ recipe: Recipe, resume: Bool = false, stopAfter: Int? = nil
  ) throws -> Int {
    var step = 0
    let trainer = Trainer(
      recipe: recipe, resume: resume,
      onEvent: { if case .step(let metrics) = $0 { step = metrics.step } },
      shouldStop: { stopAfter.map { step >= $0 } ?? false })
    _ = try trainer.run()
    return step
  }

  /// The lines of metrics.jsonl without what differs from run to run.
  private func timeless(_ directory: String) throws -> [String] {
    let text = String(decoding: try readFile(directory + "/metrics.jsonl"), as: UTF8.self)
    return try text.split(separator: "\n").map { line in
      var object = try #require(try JSONParser.parse(String(line)).object)
      for key in ["tokens_per_second", "seconds", "peak_rss_bytes"] { object[key] = nil }
      return JSON.object(object).text()
    }
  }
}

/// A recipe on the tiny Llama with settings drawn from a seed.
private struct DrawnRecipe {
  private let folder: TemporaryDirectory
  private let overrides: [(key: String, value: JSON)]
  private var random: SplitMix64

  init(seed: UInt64) throws {
    folder = try TemporaryDirectory()
    var random = SplitMix64(seed: seed &* 7919 &+ 17)
    func pick<Value>(_ values: [Value]) -> Value {
      values[Int(random.next() % UInt64(values.count))]
    }
    let flag = [false, true]
    let names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    let chosen = names.filter { _ in pick(flag) }
    let targets = chosen.isEmpty ? [pick(names)] : chosen
    let (rank, alpha, useRSLoRA) = (pick([1, 2, 3, 5, 8]), pick([1.0, 6, 7.5]), pick(flag))
    var settings: [(key: String, value: JSON)] = [
      ("adapter.target_modules", .array(targets.map(JSON.string))),
      ("adapter.rank", .integer(rank)), ("adapter.alpha", .number(alpha)),
      ("adapter.use_rslora", .bool(useRSLoRA)), ("adapter.dropout", pick([0, 0.1, 0.4])),
      ("model.compute_dtype", pick(["float32", "bfloat16"])),
      ("model.quantization", pick([nil, "nf4"])), ("model.double_quantization", .bool(pick(flag))),
      ("data.packing", .bool(pick(flag))), ("data.shuffle", .bool(pick(flag))),
      ("data.overlong", pick(["drop", "truncate"])), ("data.max_length", pick([60, 90])),
      ("data.validation_fraction", pick([0, 0.2])),
      ("data.train_on", pick(["assistant", "last", "all"])),
      ("training.micro_batch_size", pick([1, 2, 3])),
      ("training.gradient_accumulation_steps", pick([1, 2, 3])),
      ("training.gradient_checkpointing", .bool(pick(flag))),
      ("training.shared_prefix", pick(["auto", "grouped", "off"])),
      ("training.lr_scheduler", pick(["constant", "linear", "cosine"])),
      ("training.weight_decay", pick([0, 0.1])), ("training.max_grad_norm", pick([0.1, 1])),
      ("training.seed", pick([0, 42, 4_000_000_000])), ("checkpoint.every_steps", pick([1, 2, 3])),
      ("evaluation.every_steps", pick([1, 2, 4])),
      pick([("training.epochs", 2), ("training.max_steps", 5), ("training.max_steps", 9)]),
    ]
    // A third starts from scratch, a third from an adapter, a third from one with patterns.
    let start = pick([0, 1, 2])
    if start > 0 {
      var method = LoRAConfiguration(
        rank: rank, alpha: alpha, useRSLoRA: useRSLoRA, targetModules: targets, baseModel: "tiny")
      if start == 2 {
        method.rankPattern.entries = [.init(key: targets[0], value: Double(rank + 1))]
        method.alphaPattern.entries = [.init(key: "layers.1.*\(pick(targets))", value: 2.5)]
      }
      settings.append(
        ("adapter.init_from", .string(try Self.adapter(method, in: folder.path("start")))))
    }
    self.random = random
    overrides = settings
    for (file, rows) in [("a.jsonl", 0..<9), ("b.jsonl", 9..<14)] {
      let lines = rows.map { row in
        let answer = String(repeating: "number \(row) ", count: 1 + row % 6)
        // Most rows share the words before the question.
        let system = ["", "", "Count up, then stop.", "Count up, then go on."][row % 4]
        return
          "{\"system\": \"\(system)\", \"instruction\": \"Say \(row)\", \"output\": \"\(answer)\"}\n"
      }
      _ = try folder.write(file, lines.joined().utf8)
    }
  }

  /// An adapter whose every number is random.
  private static func adapter(_ method: LoRAConfiguration, in path: String) throws -> String {
    let files = try PretrainedFiles.open(goldenPath("tiny-llama"))
    let targets = try AdapterTargets.resolve(
      method.targetModules, among: files.specification.linears, place: "test")
    let adapters = AdapterSet(fresh: method, targets: targets, seed: 3)
    for (index, parameter) in adapters.parameters.enumerated() {
      Random.fillUniform(
        parameter.value, -0.1..<0.1, key: RandomKey(seed: 5, .sampling, a: UInt32(index)))
    }
    try AtomicDirectory.write(path) {
      try PEFTDirectory.write(adapters, baseFingerprint: files.fingerprint, to: $0)
    }
    return path
  }

  func recipe(_ name: String) throws -> Recipe {
    let json: JSON = [
      "model": ["path": .string(goldenPath("tiny-llama"))],
      "data": [
        "train": [
          ["path": .string(folder.path("a.jsonl")), "format": "alpaca"],
          ["path": .string(folder.path("b.jsonl")), "format": "alpaca"],
        ]
      ],
      "training": ["learning_rate": 0.01],
      "output": ["directory": .string(folder.path(name))],
    ]
    return try Recipe(
      json: json, source: "drawn", overrides: overrides.map { "\($0.key)=\($0.value.text())" })
  }

  /// One or two steps at which the run is stopped, the start included.
  mutating func stops(before total: Int) -> [Int] {
    let first = Int(random.next() % UInt64(max(total, 1)))
    let rest = total - first - 1
    guard rest > 0, random.next() % 2 == 0 else { return [first] }
    return [first, first + Int(random.next() % UInt64(rest)) + 1]
  }
}
