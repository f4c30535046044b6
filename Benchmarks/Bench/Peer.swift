import Formats
import Foundation

/// PyTorch with transformers, PEFT and bitsandbytes, through the scripts in Benchmarks/Peer.
struct Peer {
  let python: String
  let model: String
  let threads: Int

  private func run(_ script: String, _ arguments: [String]) throws -> JSON {
    try output(
      of: python, ["Benchmarks/Peer/\(script).py", "--threads", "\(threads)"] + arguments)
  }

  func step(_ way: [String]) throws -> Step.Result {
    let start = Date().timeIntervalSince1970
    let json = try run("step", ["--model", model] + way)
    return Step.Result(
      tokensPerSecond: json["tokens_per_second"]?.number ?? 0, peakGB: json["peak_gb"]?.number ?? 0,
      firstStep: (json["first_end"]?.number ?? 0) - start)
  }

  /// Milliseconds of kernels by name.
  func kernels() throws -> [String: Double] {
    let members = try run("operations", []).object?.members ?? []
    return Dictionary(members.compactMap { key, value in value.number.map { (key, $0) } }) { $1 }
  }

  /// Tokens a second of greedy generation.
  func generation() throws -> Double {
    try run("generate", ["--model", model])["tokens_per_second"]?.number ?? 0
  }

  /// The whole fine-tune of `job`.
  func job(_ files: JobFiles, type: String?, output: String) throws -> Job.Result {
    let arguments = [
      "Benchmarks/Peer/job.py", "--threads", "\(threads)", "--model", model, "--rows", files.train,
      "--output", output,
    ]
    let run = try ended(python, arguments + (type.map { ["--type", $0] } ?? []))
    let json = try run.json()
    return Job.Result(
      adapter: output, type: json["type"]?.string ?? "", steps: json["steps"]?.integer ?? 0,
      seconds: run.seconds, outside: run.seconds - (json["training_seconds"]?.number ?? 0),
      imports: json["import_seconds"]?.number ?? 0, tokens: json["tokens"]?.integer ?? 0,
      computedTokens: json["computed_tokens"]?.integer ?? 0,
      peakGB: json["peak_gb"]?.number ?? 0)
  }
}
