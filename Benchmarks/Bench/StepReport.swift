import ArgumentParser
import Formats
import Foundation
import Model
import Tensors
import Training

/// Training steps in turn with the peer's, and how they grow with rows, length and model.
struct StepReport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "steps", abstract: "Training steps: speed, memory, time to the first.")
  @OptionGroup var options: BenchOptions
  @OptionGroup var turns: Turns

  func run() throws {
    options.apply()
    say(Machine.description)
    try Self.report(options, rounds: turns.rounds)
  }

  /// One way of training.
  private struct Way {
    let name: String
    let compute: ComputeType
    var nf4 = false
    var checkpointing = false
    /// The peer's name for it.
    let peer: [String]
  }

  private static let ways = [
    Way(name: "float32", compute: .float32, peer: ["f32"]),
    Way(name: "bfloat16", compute: .bfloat16, peer: ["bf16"]),
    Way(
      name: "bfloat16, checkpointing", compute: .bfloat16, checkpointing: true,
      peer: ["bf16", "ckpt"]),
    Way(name: "NF4", compute: .bfloat16, nf4: true, peer: ["nf4"]),
    Way(
      name: "NF4, checkpointing", compute: .bfloat16, nf4: true, checkpointing: true,
      peer: ["nf4", "ckpt"]),
  ]

  static func report(_ options: BenchOptions, rounds: Int) throws {
    var rows = [
      ["LoRA r = 8 on all linears, 4 × 512 tokens", "tokens/s", "peak GB", "first step s"]
    ]
    if options.peer != nil {
      rows[0] += ["peer tokens/s", "peak GB", "first step s", "speed", "memory"]
    }
    for way in ways {
      var ours: [Step.Result] = []
      var theirs: [Step.Result] = []
      for _ in 0..<rounds {
        ours.append(
          try Step.measure(options, way.compute, nf4: way.nf4, checkpointing: way.checkpointing))
        if let peer = options.peer { theirs.append(try peer.step(way.peer)) }
      }
      say("measured: \(way.name)")
      rows.append([way.name] + cells(ours) + cells(theirs) + ratios(ours, theirs))
    }
    if let peer = options.peer {
      let compiled = try peer.step(["bf16", "compile"])
      rows.append(["peer bfloat16 + torch.compile", "", "", ""] + cells([compiled]))
    }
    printTable("Training steps, medians of \(rounds) runs in turn", rows)

    var parts = [["of the time of a step"] + ways.map(\.name)]
    let shares = try ways.map {
      try Step.measure(options, $0.compute, nf4: $0.nf4, checkpointing: $0.checkpointing).parts
    }
    for part in KernelClock.Part.allCases.map(\.rawValue) + [Step.rest] {
      parts.append([part] + shares.map { percent($0[part] ?? 0) })
    }
    printTable("Share of a step by part, 4 × 512 tokens", parts)

    var lengths = [["one row of", "seconds a step", "tokens/s", "peak GB"]]
    for length in [512, 1024, 2048, 4096, 8192] {
      let result = try Step.measure(
        options, .bfloat16, nf4: false, checkpointing: false, rows: 1, length: length, steps: 4)
      lengths.append(["\(length) tokens"] + result.cells(tokens: length))
    }
    printTable("Length, bfloat16", lengths)

    var sizes = [["random model of", "seconds a step", "tokens/s", "peak GB"]]
    for shape in [Synthetic.Shape.small, .middle] {
      let directory = "\(NSTemporaryDirectory())finetune-bench-\(shape.rawValue)"
      defer { try? FileManager.default.removeItem(atPath: directory) }
      try Synthetic.parse(["--shape", shape.rawValue, "--output", directory]).write()
      var model = options
      model.model = directory
      let result = try Step.measure(
        model, .bfloat16, nf4: true, checkpointing: false, rows: 1, length: 512, steps: 4)
      sizes.append(["\(shape.rawValue) parameters"] + result.cells(tokens: 512))
    }
    printTable("Model size, NF4, one row of 512 tokens", sizes)
  }

  private static func cells(_ results: [Step.Result]) -> [String] {
    guard !results.isEmpty else { return [] }
    return [
      number(results.map(\.tokensPerSecond).median, 0), number(results.map(\.peakGB).median, 2),
      number(results.map(\.firstStep).median, 1),
    ]
  }

  private static func ratios(_ ours: [Step.Result], _ theirs: [Step.Result]) -> [String] {
    guard !theirs.isEmpty else { return [] }
    let speed = ours.map(\.tokensPerSecond).median / theirs.map(\.tokensPerSecond).median
    let memory = ours.map(\.peakGB).median / theirs.map(\.peakGB).median
    return ["\(number(speed, 2))×", number(memory, 2)]
  }
}

/// One training run of random tokens in a process of its own, so that its peak memory is its own.
struct Step: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "step", abstract: "One way of training, as a JSON object.")
  @OptionGroup var options: BenchOptions
  @Option var compute = ComputeType.bfloat16
  @Flag var nf4 = false
  @Flag var checkpointing = false
  @Option var rows = 4
  @Option var length = 512
  @Option(help: "The first, which meets fresh memory, does not count.") var steps = 5
  @Option(help: "Rank of the adapter.") var rank = 8

  struct Result {
    let tokensPerSecond, peakGB, firstStep: Double
    /// Shares of a step by part.
    var parts: [String: Double] = [:]

    /// Seconds a step, tokens a second, and peak memory.
    func cells(tokens: Int) -> [String] {
      [number(Double(tokens) / tokensPerSecond, 2), number(tokensPerSecond, 0), number(peakGB, 2)]
    }
  }

  /// What is not in a kernel that the clock knows.
  static let rest = "the rest"

  func validate() throws {
    guard steps >= 2, rows >= 1, length >= 2, rank >= 1 else {
      throw ValidationError(
        "At least 2 steps, 1 row of 2 tokens and rank 1 are needed; found \(steps) steps, \(rows) rows "
          + "of \(length) tokens, rank \(rank).")
    }
  }

  func run() throws {
    options.apply()
    let base = try OpenedModel(path: options.model)
    let model = try base.load(WeightStorage(compute, quantization: nf4 ? .nf4 : nil))
    let adapters = AdapterSet(
      fresh: LoRAConfiguration(
        rank: rank, alpha: Double(2 * rank), targetModules: ["all-linear"], baseModel: options.model
      ), targets: base.files.specification.linears, seed: 1)
    let optimizer = AdamW(
      parameters: adapters.parameters,
      settings: .init(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0))
    let vocabulary = UInt64(base.files.specification.vocabularySize)
    var generator = SystemRandomNumberGenerator()
    let batch = TokenBatch(
      rows: (0..<rows).map { _ in
        let ids = (0..<length).map { _ in Int32(generator.next() % vocabulary) }
        return (ids, ids)
      })
    let loss = Tensor.zeros([1], .float64)
    var seconds: [Double] = []
    var firstEnd = 0.0
    var parts: [KernelClock.Part: Double] = [:]
    for step in 0..<steps {
      let start = ContinuousClock.now
      parts = KernelClock.measure {
        model.accumulateGradients(
          batch, adapters: adapters, objective: SupervisedObjective(),
          gradientScale: 1 / Double(batch.trainedTokens), loss: loss,
          checkpointing: checkpointing, dropout: nil)
        _ = optimizer.gradientNorm()
        optimizer.update(learningRate: 2e-4, gradientScale: 1)
      }
      seconds.append(start.duration(to: .now).inSeconds)
      if step == 0 { firstEnd = Date().timeIntervalSince1970 }
    }
    let median = Array(seconds.dropFirst()).median
    let last = seconds[seconds.count - 1]
    var shares: JSON = [:]
    for part in KernelClock.Part.allCases {
      shares.set(part.rawValue, .number((parts[part] ?? 0) / last))
    }
    shares.set(Self.rest, .number(1 - parts.values.reduce(0, +) / last))
    let json: JSON = [
      "tokens_per_second": .number(Double(rows * length) / median), "first_end": .number(firstEnd),
      "peak_gb": .number(Double(PeakMemory.bytes) * 1e-9),
      "seconds": .array(seconds.map(JSON.number)), "parts": shares,
    ]
    print(json.text())
  }

  static func measure(
    _ options: BenchOptions, _ compute: ComputeType, nf4: Bool, checkpointing: Bool, rows: Int = 4,
    length: Int = 512, steps: Int = 5
  ) throws -> Result {
    var arguments = [
      "step", "--model", options.model, "--compute", compute.rawValue, "--rows", "\(rows)",
      "--length", "\(length)", "--steps", "\(steps)", "--threads", "\(Kernels.threads)",
    ]
    if nf4 { arguments.append("--nf4") }
    if checkpointing { arguments.append("--checkpointing") }
    let start = Date().timeIntervalSince1970
    let json = try output(of: CommandLine.arguments[0], arguments)
    return Result(
      tokensPerSecond: json["tokens_per_second"]?.number ?? 0, peakGB: json["peak_gb"]?.number ?? 0,
      firstStep: (json["first_end"]?.number ?? 0) - start,
      parts: Dictionary(
        (json["parts"]?.object?.members ?? []).map { ($0, $1.number ?? 0) },
        uniquingKeysWith: { $1 }
      ))
  }
}

extension ComputeType: ExpressibleByArgument {}
