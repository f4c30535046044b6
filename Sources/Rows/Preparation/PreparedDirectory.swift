import Formats
import Foundation

/// The directory that a preparation writes: complete or not at all.
enum PreparedDirectory {
  static let report = "report.json"
  static let changes = "changes.jsonl"

  /// Starts it.
  ///
  /// - Parameters:
  ///   - replaces: Whether what an earlier preparation wrote there may go. Anything else is not touched.
  ///   - inputs: Files that are read.
  static func start(
    _ destination: String, replacing replaces: Bool, inputs: [String]
  ) throws(Problem) -> AtomicDirectory {
    let target = resolved(destination)
    for input in inputs where resolved(input).hasPrefix(target + "/") {
      throw Problem(
        input, "the file lies in the output directory \(destination); choose another directory")
    }
    if fileExists(destination) {
      throw Problem(destination, "this is a file, expected a directory; choose another name")
    }
    if directoryExists(destination), try !directoryEntries(destination).isEmpty {
      try requireReplaceable(destination, replaces)
    }
    return try AtomicDirectory(destination, replacing: replaces)
  }

  private static func requireReplaceable(
    _ destination: String, _ replaces: Bool
  ) throws(Problem) {
    let old = try? readJSON("\(destination)/\(report)")
    let isOurs = old?["made_by"]?.string == PreparationReport.author
    guard replaces else {
      throw Problem(
        destination,
        "it exists already and is not empty; choose another directory"
          + (isOurs ? ", or replace what is there with --force" : ""))
    }
    let written = old?["outputs"]?.array?.compactMap { $0["file"]?.string } ?? []
    let known = Set(isOurs ? written + [report, changes] : [])
    if let other = try directoryEntries(destination).first(where: { !known.contains($0) }) {
      throw Problem(
        destination,
        "it holds \(other), which no preparation wrote, so --force does not replace it; choose another"
          + " directory")
    }
  }

  private static func resolved(_ path: String) -> String {
    URL(fileURLWithPath: path).resolvingSymlinksInPath().standardizedFileURL.path
  }
}
