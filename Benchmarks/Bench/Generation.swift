import ArgumentParser
import Model
import Tensors
import Training

/// Tokens a second of greedy generation, one sequence.
struct Generation: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generation", abstract: "Greedy generation, one sequence.")
  @OptionGroup var options: BenchOptions

  func run() throws {
    options.apply()
    say(Machine.description)
    try Self.report(options)
  }

  static func report(_ options: BenchOptions) throws {
    var rows = [["256 tokens after a prompt of 64", "tokens/s"]]
    var bfloat16 = 0.0
    for (name, compute, nf4) in [
      ("float32", ComputeType.float32, false), ("bfloat16", .bfloat16, false),
      ("NF4", .bfloat16, true),
    ] {
      let rate = try rate(options.model, compute, nf4: nf4)
      if name == "bfloat16" { bfloat16 = rate }
      rows.append([name, number(rate)])
    }
    if let peer = options.peer {
      let rate = try peer.generation()
      rows.append(["transformers bfloat16", number(rate)])
      rows.append(["bfloat16 over transformers", "\(number(bfloat16 / rate))×"])
    }
    printTable("Generation", rows)
  }

  private static func rate(_ path: String, _ compute: ComputeType, nf4: Bool) throws -> Double {
    let base = try OpenedModel(path: path)
    let model = try base.load(WeightStorage(compute, quantization: nf4 ? .nf4 : nil))
    let prompt = (0..<64).map { Int32($0 * 37 % base.files.specification.vocabularySize) }
    let times = Times(budget: 0, least: 3) {
      _ = model.generate(
        prompt: prompt, adapters: nil, maxNewTokens: 256, sampler: TokenSampler(temperature: 0),
        stopTokens: []
      ) { _ in true }
    }
    return 256 / times.median
  }
}
