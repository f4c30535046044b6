import ArgumentParser
import Foundation
import Tensors

/// `finetune-bench`: what the machine can do, what the kernels make of it, and what that means for
/// training; beside it PyTorch where its Python is given.
@main
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "finetune-bench",
    abstract: "Measures kernels, training steps and generation; all in one run.",
    subcommands: [
      All.self, JobReport.self, KernelReport.self, StepReport.self, Step.self, Generation.self,
      StartReport.self, StartRun.self, Rows.self, Synthetic.self,
    ],
    defaultSubcommand: All.self)
}

/// Options that every measurement takes.
struct BenchOptions: ParsableArguments {
  @Option(help: "Base model: a Hugging Face directory or a .gguf file.")
  var model = "Checkpoints/models/smollm2-135m-instruct"

  @Option(help: "Processor threads (default: all).")
  var threads: Int?

  @Option(help: "Python with torch, transformers, peft and bitsandbytes; measures them as well.")
  var peerPython: String?

  @Option(help: "Hugging Face directory of the same model, for the peer (default: --model).")
  var peerModel: String?

  func apply() { Kernels.setThreads(threads ?? Kernels.defaultThreads) }

  var peer: Peer? {
    peerPython.map {
      Peer(python: $0, model: peerModel ?? model, threads: threads ?? Kernels.defaultThreads)
    }
  }
}

/// How often a measurement is repeated.
struct Turns: ParsableArguments {
  @Option(help: "How often a training step is measured in turn with the peer's.")
  var rounds = 3
}

struct All: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Everything.")
  @OptionGroup var options: BenchOptions
  @OptionGroup var turns: Turns

  func run() throws {
    options.apply()
    say(Machine.description)
    let kernels = try KernelReport.parse([])
    try kernels.report(options)
    try StepReport.report(options, rounds: turns.rounds)
    try Generation.report(options)
  }
}

/// The machine, for the head of a report.
enum Machine {
  static var description: String {
    let info = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let name = info.split(separator: "\n").first { $0.hasPrefix("model name") }
    let model = name?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
    let date = Date().formatted(.iso8601.year().month().day())
    return """
      \(date)  \(model ?? "unknown processor"), \(Kernels.threads) threads
      \(Kernels.cpuFeatures.joined(separator: " "))
      """
  }
}

/// Times of repetitions, in seconds.
struct Times {
  let values: [Double]

  /// Repeats `body` for about `budget` seconds, at least `least` times, after one warming call.
  init(budget: Double = 0.4, least: Int = 5, _ body: () -> Void) {
    body()
    var values: [Double] = []
    let start = ContinuousClock.now
    while values.count < least || start.duration(to: .now).inSeconds < budget {
      let before = ContinuousClock.now
      body()
      values.append(before.duration(to: .now).inSeconds)
    }
    self.values = values.sorted()
  }

  var best: Double { values[0] }
  var median: Double { values[values.count / 2] }
}

extension Duration {
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

extension Array<Double> {
  var median: Double { sorted()[count / 2] }
}

func number(_ value: Double, _ digits: Int = 1) -> String {
  value.formatted(
    .number.precision(.fractionLength(digits)).grouping(.never).locale(.init(identifier: "en_US")))
}

func percent(_ share: Double) -> String { "\(number(100 * share)) %" }

/// Prints a line at once, also into a file or a pipe.
func say(_ line: String) {
  print(line)
  fflush(nil)
}

/// Prints rows of text in aligned columns, the first to the left, others to the right.
func printTable(_ title: String, _ rows: [[String]]) {
  print("\n\(title)")
  let columns = rows.map(\.count).max() ?? 0
  let widths = (0..<columns).map { column in
    rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
  }
  for row in rows {
    let cells = row.enumerated().map { column, text in
      let space = String(repeating: " ", count: widths[column] - text.count)
      return column == 0 ? text + space : space + text
    }
    print("  " + cells.joined(separator: "  "))
  }
  fflush(nil)
}
