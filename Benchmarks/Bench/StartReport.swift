import ArgumentParser
import CPeaks
import Formats
import Foundation
import Model
import Recipes
import Tensors
import Training

/// Where the time goes from the start of the process to the end of the first step, beside what the machine needs
/// for it at least.
struct StartReport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "start", abstract: "The time to the end of the first step, by phase.")
  @OptionGroup var options: BenchOptions
  @OptionGroup var turns: Turns

  private static let ways: [(name: String, type: ComputeType, quantization: Quantization?)] = [
    ("float32", .float32, nil), ("bfloat16", .bfloat16, nil), ("NF4", .bfloat16, .nf4),
  ]

  func run() throws {
    options.apply()
    say(Machine.description)
    let directory = "\(NSTemporaryDirectory())finetune-bench-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try createDirectory(directory)
    let floors = Floors(try PretrainedFiles.open(options.model).specification)
    var columns: [(runs: [JSON], name: String)] = []
    for way in Self.ways {
      let runs = try (0..<turns.rounds).map {
        let start = StartRecipe(
          model: options.model, type: way.type, quantization: way.quantization,
          directory: "\(directory)/\(way.name)-\($0)")
        return try start.measure()
      }
      say("measured: \(way.name)")
      columns.append((runs, way.name))
    }
    print(columns, floors)
  }

  private func print(_ columns: [(runs: [JSON], name: String)], _ floors: Floors) {
    func median(_ runs: [JSON], _ key: String) -> Double {
      runs.map { $0[key]?.number ?? 0 }.median
    }
    var rows = [["milliseconds"] + columns.flatMap { [$0.name, "floor"] }]
    for name in StartRun.names {
      rows.append(
        [name]
          + columns.flatMap { column in
            let floor = floors.seconds(of: name, column.runs[0])
            return [
              number(median(column.runs, name) * 1e3, 0), floor.map { number($0 * 1e3, 0) } ?? "",
            ]
          })
    }
    let tokens = columns[0].runs[0]["tokens"]?.integer ?? 0
    printTable(
      "Start: one row of \(tokens) tokens, medians of \(turns.rounds) runs; weights are read beside "
        + "what comes before them", rows)
    say(
      "  floors: fresh memory at \(number(floors.fresh)) GB/s, arithmetic at "
        + "\(number(floors.peak, 0)) GFLOP/s")
  }
}

/// What a phase takes at least.
private struct Floors {
  /// GB/s of memory that the system hands out cleared and a program fills.
  let fresh = cp_fresh_memory_rate(Kernels.threads)
  /// GFLOP/s of the fastest products that the kernels could use.
  let peak = max(
    cp_fma_peak(Kernels.cpuLevel, Kernels.threads), cp_bf16_peak(Kernels.cpuLevel, Kernels.threads))
  /// Elements of the linear layers and of the head.
  private let linears, head: Double

  init(_ specification: ModelSpecification) {
    linears = Double(specification.linears.reduce(0) { $0 + $1.count })
    head = Double(specification.vocabularySize * specification.hiddenSize)
  }

  func seconds(of name: String, _ run: JSON) -> Double? {
    func value(_ key: String) -> Double { run[key]?.number ?? 0 }
    switch name {
    case StartPhase.weights.rawValue: return value("base_bytes") / fresh * 1e-9
    case StartRun.step:
      // A product and the gradient of its input, each a multiply-add for every element and token.
      let flops = 4 * (linears * value("tokens") + head * value("trained_tokens"))
      return flops / peak * 1e-9 + value("step_bytes") / fresh * 1e-9
    default: return nil
    }
  }
}

/// A run of one step on one row.
private struct StartRecipe {
  let model: String
  let type: ComputeType
  let quantization: Quantization?
  let directory: String

  func measure() throws -> JSON {
    try createDirectory(directory)
    let rows = "\(directory)/rows.json"
    try AtomicFile.write(rows, JSON.array([Self.row]).text())
    let recipe: JSON = [
      "model": [
        "path": .string(model), "compute_dtype": .string(type.rawValue),
        "quantization": quantization.map { .string($0.rawValue) } ?? .null,
      ],
      "data": ["train": [["path": .string(rows), "format": "alpaca"]]],
      "training": [
        "max_steps": 1, "micro_batch_size": 1, "gradient_accumulation_steps": 1,
        "threads": .integer(Kernels.threads),
      ],
      "output": ["directory": .string("\(directory)/run")],
    ]
    let path = "\(directory)/recipe.json"
    try AtomicFile.write(path, recipe.text(.indented) + "\n")
    let since = Date().timeIntervalSince1970
    return try output(of: CommandLine.arguments[0], ["start-run", path, "--since", "\(since)"])
  }

  /// About a hundred tokens with SmolLM2's template.
  private static var row: JSON {
    JobRows().train.first { (280...320).contains($0["output"]?.string?.utf8.count ?? 0) } ?? .null
  }
}

/// A fine-tune of one step in a process of its own; prints what each phase took.
struct StartRun: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "start-run", abstract: "One start, as a JSON object.", shouldDisplay: false)
  @Argument var recipe: String
  @Option(help: "When this process was started, in seconds since 1970.") var since: Double

  static let libraries = "process and libraries"
  static let rest = "the rest before the step"
  static let step = "first step"
  static let total = "all"

  /// In the order in which a report lists them.
  static let names =
    [libraries] + StartPhase.allCases.map(\.rawValue) + [rest, step, total]

  func run() throws {
    var json: JSON = [:]
    func seconds() -> Double { Date().timeIntervalSince1970 - since }
    json.set(Self.libraries, .number(seconds()))
    let trainer = Trainer(recipe: try Recipe.load(path: recipe), resume: false) { event in
      switch event {
      case .phase(let phase, let seconds): json.set(phase.rawValue, .number(seconds))
      case .started(let summary): Self.describe(summary.plan, in: &json)
      case .step(let metrics):
        json.set("tokens", .integer(metrics.tokens))
        json.set(Self.step, .number(metrics.seconds))
        json.set(Self.total, .number(seconds()))
      default: break
      }
    }
    _ = try trainer.run()
    let alone = Set([StartPhase.weights.rawValue, Self.rest, Self.total])
    let known = Self.names.filter { !alone.contains($0) }
      .reduce(0) { $0 + (json[$1]?.number ?? 0) }
    json.set(Self.rest, .number((json[Self.total]?.number ?? 0) - known))
    print(json.text())
  }

  /// What the floors are made of.
  private static func describe(_ plan: TrainingPlan, in json: inout JSON) {
    json.set("base_bytes", .integer(plan.memory.base))
    json.set("step_bytes", .integer(plan.memory.activations + plan.memory.adapter))
    json.set("trained_tokens", .integer(plan.trainedTokensPerEpoch))
  }
}
