import Foundation
import Testing

/// The repository that the tests were compiled from.
let repository = URL(filePath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().standardizedFileURL.path

/// The built `finetune`, driven as a user drives it.
enum Binary {
  /// `FINETUNE_BINARY`, else the one that was built together with these tests.
  static let path = ProcessInfo.processInfo.environment["FINETUNE_BINARY"] ?? built("finetune")

  /// A program that was built together with these tests.
  static func built(_ name: String) -> String {
    let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let candidates = [
      URL(filePath: tests).deletingLastPathComponent().appending(path: name).path,
      repository + "/.build/release/\(name)", repository + "/.build/debug/\(name)",
    ]
    return candidates.first { FileManager.default.isExecutableFile(atPath: $0) } ?? candidates[1]
  }

  struct Result {
    let status: Int32
    let output: String
    let error: String
  }

  /// Runs `finetune`, or another program, with these arguments and waits for its end.
  static func run(
    _ arguments: [String], in directory: String = repository,
    environment: [String: String] = [:], program: String = path
  ) throws -> Result {
    try Running(arguments, in: directory, environment: environment, program: program).finish()
  }

  /// Starts `finetune` and goes on.
  static func start(
    _ arguments: [String], in directory: String, environment: [String: String] = [:]
  ) throws -> Running {
    try Running(arguments, in: directory, environment: environment)
  }

  /// A running `finetune`; its streams go to files, so that no pipe can fill up and block it.
  final class Running {
    private let process = Process()
    private let outputPath = NSTemporaryDirectory() + "/finetune-\(UUID().uuidString).out"
    private let errorPath = NSTemporaryDirectory() + "/finetune-\(UUID().uuidString).err"

    init(
      _ arguments: [String], in directory: String, environment: [String: String],
      program: String = Binary.path
    ) throws {
      process.executableURL = URL(filePath: program)
      process.arguments = arguments
      process.currentDirectoryURL = URL(filePath: directory)
      process.environment = ProcessInfo.processInfo.environment
        .merging(["COLUMNS": "80", "NO_COLOR": "1"]) { $1 }
        .merging(environment) { $1 }
      process.standardInput = FileHandle.nullDevice
      for path in [outputPath, errorPath] {
        try Data().write(to: URL(filePath: path))
      }
      process.standardOutput = try FileHandle(forWritingTo: URL(filePath: outputPath))
      process.standardError = try FileHandle(forWritingTo: URL(filePath: errorPath))
      try process.run()
    }

    /// What it has written to standard error so far.
    var errorSoFar: String { (try? String(contentsOfFile: errorPath, encoding: .utf8)) ?? "" }
    var isRunning: Bool { process.isRunning }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    func finish() throws -> Result {
      process.waitUntilExit()
      defer {
        for path in [outputPath, errorPath] { try? FileManager.default.removeItem(atPath: path) }
      }
      // A process that a signal ended reports it as shells do.
      let status =
        process.terminationReason == .uncaughtSignal
        ? 128 + process.terminationStatus : process.terminationStatus
      return Result(
        status: status, output: try String(contentsOfFile: outputPath, encoding: .utf8),
        error: errorSoFar)
    }
  }
}
