import ArgumentParser
import Formats
import Foundation
import Tensors
import Training

/// A whole fine-tune as a user waits for it: from the start of the process to the written adapter; in turn with
/// transformers' Trainer and PEFT on the same rows. One judge measures what each has learnt.
struct JobReport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "job", abstract: "A whole fine-tune, beside transformers' Trainer + PEFT.")
  @OptionGroup var options: BenchOptions

  @Option(help: "An Alpaca file, of which every twentieth row is held out (default: own rows).")
  var data: String?

  @Option(help: "Train on this many rows at most.")
  var rows: Int?

  @Option(help: "Our compute_dtype.") var computeDtype = ComputeType.bfloat16
  @Option(help: "Our quantization of the base: nf4.") var quantization: Quantization?

  @Option(help: "The peer's type: float32 or bfloat16 (default: what is faster on this processor).")
  var peerType: String?

  @Option(help: "Directory for rows, recipe and adapters (default: a temporary one).")
  var output: String?

  func validate() throws {
    if let rows, rows < 1 { throw ValidationError("--rows: found \(rows), expected 1 or more") }
  }

  func run() throws {
    options.apply()
    say(Machine.description)
    let directory = output ?? "\(NSTemporaryDirectory())finetune-bench-\(UUID().uuidString)"
    defer { if output == nil { try? FileManager.default.removeItem(atPath: directory) } }
    let files = try JobFiles(data: data, limit: rows, directory: directory)
    let job = Job(
      model: options.model, threads: Kernels.threads, computeType: computeDtype,
      quantization: quantization, files: files, directory: directory)

    var results = [("finetune", try job.run())]
    say("finetune \(number(results[0].1.seconds)) s")
    if let peer = options.peer {
      let result = try peer.job(files, type: peerType, output: "\(directory)/peer-adapter")
      say("peer \(number(result.seconds)) s, \(number(result.imports)) s of them for imports")
      results.append(("Trainer + PEFT", result))
    }
    let losses = try job.heldOutLosses(adapters: results.map(\.1.adapter))
    print(results, losses)
  }

  private func print(_ results: [(name: String, job: Job.Result)], _ losses: [Double]) {
    var rows = [
      [
        "\(results[0].job.steps) steps of 8 rows, LoRA r = 8", "seconds", "outside of steps",
        "tokens/s", "padding", "peak GB", "held-out loss",
      ]
    ]
    for (result, loss) in zip(results, losses.dropFirst()) {
      rows.append([result.name + ", " + result.job.type] + result.job.cells + [number(loss, 4)])
    }
    if results.count > 1 {
      let (ours, theirs) = (results[0].job, results[1].job)
      rows.append([
        "ratio", "\(number(theirs.seconds / ours.seconds, 2))×", "",
        "\(number(ours.tokensPerSecond / theirs.tokensPerSecond, 2))×", "",
        number(ours.peakGB / theirs.peakGB, 2),
      ])
    }
    rows.append(["before training", "", "", "", "", "", number(losses[0], 4)])
    printTable("A whole fine-tune, from process start to written adapter", rows)
  }
}

/// The job as `finetune` does it.
struct Job {
  let model: String
  let threads: Int
  let computeType: ComputeType
  let quantization: Quantization?
  let files: JobFiles
  let directory: String

  struct Result {
    let adapter: String
    let type: String
    let steps: Int
    /// From the start of the process to its end.
    let seconds: Double
    /// Starting, reading, writing.
    let outside: Double
    /// Python's imports; part of `outside`.
    var imports = 0.0
    /// Tokens of the rows, and of the rows with what fills them up to the longest of their batch.
    let tokens, computedTokens: Int
    let peakGB: Double

    var tokensPerSecond: Double { Double(tokens) / seconds }

    var cells: [String] {
      [
        number(seconds), number(outside), number(tokensPerSecond, 0),
        number(Double(computedTokens) / Double(tokens), 2), number(peakGB, 2),
      ]
    }
  }

  /// The longest row that both sides take whole.
  static let maxLength = 1024

  func run() throws -> Result {
    let out = "\(directory)/finetune"
    guard !directoryExists(out) else {
      throw Problem(directory, "there is a job in it already; name another directory")
    }
    let path = "\(directory)/recipe.json"
    try AtomicFile.write(path, recipe(output: out).text(.indented) + "\n")
    let run = try ended(finetuneBinary, ["train", path])
    let steps = try String(decoding: readFile("\(out)/metrics.jsonl"), as: UTF8.self)
      .split(separator: "\n").map { try JSONParser.parse(String($0)) }
    let tokens = steps.reduce(0) { $0 + ($1["tokens"]?.integer ?? 0) }
    return Result(
      adapter: "\(out)/adapter", type: quantization?.rawValue ?? computeType.rawValue,
      steps: steps.count, seconds: run.seconds,
      outside: run.seconds - steps.reduce(0) { $0 + ($1["seconds"]?.number ?? 0) },
      tokens: tokens, computedTokens: tokens,
      peakGB: Double(steps.last?["peak_rss_bytes"]?.integer ?? 0) * 1e-9)
  }

  /// The peer's hyper-parameters: the same eight rows make a step. That is `packing` off, which puts more rows
  /// into a micro-batch; there is no padding either way.
  private func recipe(output: String) -> JSON {
    [
      "model": [
        "path": .string(model), "compute_dtype": .string(computeType.rawValue),
        "quantization": quantization.map { .string($0.rawValue) } ?? .null,
      ],
      "adapter": ["rank": 8, "alpha": 16],
      "data": [
        "train": [["path": .string(files.train), "format": "alpaca"]],
        "max_length": .integer(Self.maxLength), "packing": false, "shuffle": false,
      ],
      "training": [
        "epochs": 1, "micro_batch_size": 8, "gradient_accumulation_steps": 1,
        "learning_rate": 2e-4, "lr_scheduler": "cosine", "warmup_ratio": 0.03,
        "threads": .integer(threads),
      ],
      "evaluation": ["every_steps": nil], "checkpoint": ["every_steps": nil],
      "output": ["directory": .string(output)],
    ]
  }

  /// Of the base, then of each adapter; in float32, on the same rows.
  func heldOutLosses(adapters: [String]) throws -> [Double] {
    let arguments = [
      "eval", "--model", model, "--data", files.heldOut, "--format", "alpaca", "--json",
      "--compute-dtype", "float32", "--max-length", "\(Self.maxLength)", "--threads", "\(threads)",
    ]
    let base = try ended(finetuneBinary, arguments)
    let tuned = try ended(finetuneBinary, arguments + adapters.flatMap { ["--adapter", $0] })
    return try (base.lines + tuned.lines).map {
      try JSONParser.parse($0)["loss"]?.number ?? .nan
    }
  }
}

extension Quantization: ExpressibleByArgument {}
