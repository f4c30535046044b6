package import Formats

/// A file of one JSON object a line that only grows: `metrics.jsonl`, `rows.jsonl`.
///
/// Every line reaches the system in one write, so a killed process leaves at most its last line torn,
/// and a reader that follows the file sees each step as it ends.
package final class JSONLinesFile {
  private let file: OutputFile

  /// Starts an empty file; what was there is gone.
  package init(_ path: String) throws {
    file = try OutputFile(path)
  }

  /// Goes on after a checkpoint: keeps the lines of steps up to `step` and drops the later ones, which
  /// the resumed run will write again, and torn ones.
  package init(_ path: String, keepingStepsThrough step: Int) throws {
    let kept = fileExists(path) ? Self.lines(in: try readFile(path), through: step) : []
    try AtomicFile.write(path, Array(kept.joined()))
    file = try OutputFile(path, appending: true)
  }

  package func append(_ object: JSONObject) throws {
    try file.write(JSON.object(object).text() + "\n")
  }

  /// Waits until every line is on the disk; a checkpoint counts on the lines before it.
  package func synchronize() throws { try file.synchronize() }

  /// Complete lines, with their line feeds, whose "step" is at most `step`.
  private static func lines(in bytes: [UInt8], through step: Int) -> [[UInt8]] {
    var kept: [[UInt8]] = []
    var rest = bytes[...]
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      let line = Array(rest[...end])
      rest = rest[(end + 1)...]
      guard let object = try? JSONParser.parse(line), let lineStep = object["step"]?.integer,
        lineStep <= step
      else { continue }
      kept.append(line)
    }
    return kept
  }
}
