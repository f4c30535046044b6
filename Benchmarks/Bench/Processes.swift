import Formats
import Foundation

/// What a program that ended well printed, and how long it took.
struct Ended {
  let lines: [String]
  /// From before it was started until after it had ended.
  let seconds: Double

  /// The last line as JSON.
  func json() throws -> JSON { try JSONParser.parse(lines.last ?? "") }
}

/// Runs a program to its end.
///
/// - Throws: Its last words, where it fails.
func ended(_ program: String, _ arguments: [String]) throws -> Ended {
  let log = "\(NSTemporaryDirectory())finetune-bench-\(UUID().uuidString).log"
  _ = FileManager.default.createFile(atPath: log, contents: nil)
  defer { try? FileManager.default.removeItem(atPath: log) }
  let process = Process()
  process.executableURL = URL(fileURLWithPath: program)
  process.arguments = arguments
  let pipe = Pipe()
  process.standardOutput = pipe
  process.standardError = FileHandle(forWritingAtPath: log)
  let start = ContinuousClock.now
  try process.run()
  let data = pipe.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  let seconds = start.duration(to: .now).inSeconds
  guard process.terminationStatus == 0 else {
    let words = (try? String(contentsOfFile: log, encoding: .utf8))?.split(separator: "\n").last
    throw Problem(
      program,
      "\(arguments.joined(separator: " ")) failed with status \(process.terminationStatus)"
        + (words.map { ": \($0)" } ?? ""), kind: .run)
  }
  let lines = String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
  return Ended(lines: lines, seconds: seconds)
}

/// Runs a program and reads the last line that it prints as JSON.
func output(of program: String, _ arguments: [String]) throws -> JSON {
  try ended(program, arguments).json()
}

/// The `finetune` that was built beside this program.
var finetuneBinary: String {
  let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
  return URL(fileURLWithPath: own ?? CommandLine.arguments[0]).deletingLastPathComponent()
    .appendingPathComponent("finetune").path
}
