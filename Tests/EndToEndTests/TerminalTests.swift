import Foundation
import TestSupport
import Testing

/// What a person at a terminal sees while a run goes on.
@Suite struct TerminalTests {
  /// Everything that `finetune` writes to a terminal as its standard error.
  private func screen(
    _ arguments: [String], in directory: String, environment: [String: String]
  ) throws -> String {
    var (terminal, other): (Int32, Int32) = (-1, -1)
    try #require(openpty(&terminal, &other, nil, nil, nil) == 0)
    defer { close(terminal) }
    let end = FileHandle(fileDescriptor: other, closeOnDealloc: false)
    let process = Process()
    process.executableURL = URL(filePath: Binary.path)
    process.arguments = arguments
    process.currentDirectoryURL = URL(filePath: directory)
    process.environment = ProcessInfo.processInfo.environment
      .merging(["TERM": "xterm"]) { $1 }.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = end
    try process.run()
    try end.close()
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    // The last writer's end is told as an error.
    while case let count = read(terminal, &buffer, buffer.count), count > 0 {
      bytes += buffer[..<count]
    }
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func aTerminalGetsALineThatMoves() throws {
    let run = try TinyRun()
    let screen = try screen(
      ["train", "r.json"], in: run.directory.path, environment: ["NO_COLOR": ""])
    #expect(screen.contains("\r\u{1B}[Kstep 1/8"))
    #expect(screen.contains("█"))
    // Emphasis, where it is wanted.
    #expect(screen.contains("\u{1B}[2m"))
    // Evaluations stay: they end with a line feed, the moving line does not.
    #expect(screen.contains(/held out   step 5  loss [0-9.]+  perplexity [0-9.]+\r\n/))
    #expect(!screen.contains(/step 5\/8[^\r]*\r\n/))
  }

  @Test func noColorIsRespected() throws {
    let run = try TinyRun()
    let screen = try screen(
      ["train", "r.json"], in: run.directory.path, environment: ["NO_COLOR": "1"])
    #expect(screen.contains("\u{1B}[K"))
    #expect(!screen.contains(/\u{1B}\[[0-9]+m/))
  }
}
