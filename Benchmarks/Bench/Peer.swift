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
}
