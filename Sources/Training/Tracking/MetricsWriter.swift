import Formats

/// `metrics.jsonl`: one object a line, only ever longer.
///
/// Every line reaches the system in one write, so a killed process leaves at most its last line torn,
/// and whoever follows the file sees each step as it ends.
package final class MetricsWriter {
  private let file: OutputFile
  /// Lines that a power cut could still take.
  package private(set) var unsynchronizedLines = 0
  /// Step of the newest evaluation among the lines that were kept.
  package let lastEvaluatedStep: Int?

  /// Keeps what an earlier process wrote about the steps up to `step`; drops later lines, which the
  /// resumed run will write again, and torn ones. Without a `step` the file starts empty.
  package init(path: String, keepingStepsThrough step: Int?) throws {
    let kept =
      if let step, fileExists(path) { Self.lines(in: try readFile(path), through: step) } else {
        [[UInt8]]()
      }
    lastEvaluatedStep =
      kept.lazy.compactMap { try? JSONParser.parse($0) }
      .last { $0["eval_loss"] != nil }?["step"]?.integer
    try AtomicFile.write(path, Array(kept.joined()))
    file = try OutputFile(path, appending: true)
  }

  package func write(_ step: StepMetrics) throws { try append(step.json) }

  package func write(_ evaluation: EvaluationMetrics) throws { try append(evaluation.json) }

  /// Waits until every line is on the disk, which a checkpoint of this step may count on.
  package func synchronize() throws {
    try file.synchronize()
    unsynchronizedLines = 0
  }

  private func append(_ object: JSONObject) throws {
    try file.write(JSON.object(object).text() + "\n")
    unsynchronizedLines += 1
  }

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
