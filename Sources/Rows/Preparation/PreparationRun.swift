package import Formats
import Text

/// `finetune data prepare`: reads files of rows, repairs, drops and augments by rules, and writes the rows
/// that stay, in their own format, with a list of everything that was done.
///
/// Of each row about a hundred bytes are kept. What is written follows from the rows, the rules and the seed.
package struct PreparationRun {
  /// Sources, model and lengths, as for a check.
  package private(set) var check: RowCheckRun
  package var policy = RowPolicy()
  /// Whether white space around texts is removed.
  package var trims = false
  package var filter = RowFilter()
  package var augmentation = RowAugmentation()
  package var split: RowSplit?
  package var seed: UInt64 = 42
  /// Whether the result of an earlier preparation may be replaced.
  package var replaces = false
  /// Asked after every row: true ends the run, and nothing is left of it.
  package var isStopped: () -> Bool = { false }

  package init(_ check: RowCheckRun) { self.check = check }

  /// - Parameters:
  ///   - destination: The directory to write.
  ///   - progress: Called now and then with the number of rows so far.
  /// - Throws: Where rules, files or the directory do not allow it, where a rule says so for a row, and for
  ///   a full disk. Then nothing is written.
  package func run(
    to destination: String, progress: (Int) -> Void = { _ in }
  ) throws(Problem) -> PreparationReport {
    try checkOptions()
    try check.renderer?.checkTemplate()
    let files = try PreparationSources(check.sources, policy: policy)
    var run = self
    run.check.sources = files.sources
    let directory = try PreparedDirectory.start(
      destination, replacing: replaces, inputs: files.sources.map(\.rows.path))
    defer { directory.abandon() }
    let pass = try PreparationPass(run, files, directory: directory.path)
    for source in files.sources.indices { try pass.read(source, progress: progress) }
    let report = try pass.finish()
    try writeFile(
      "\(directory.path)/\(PreparedDirectory.report)", report.json.text(.indented) + "\n")
    if isStopped() { throw Self.stop(destination) }
    try directory.commit()
    return report
  }

  static func stop(_ place: String) -> Problem {
    Problem(place, "the preparation was stopped; nothing was written", kind: .run)
  }

  private func checkOptions() throws(Problem) {
    if split != nil, check.sources.contains(where: { $0.part == .heldOut }) {
      throw Problem(
        "--split", "there are held-out files already; leave the option or these files out")
    }
    if filter.needsTokens, check.renderer == nil {
      throw Problem(
        "--min-tokens, --max-tokens",
        "tokens cannot be counted without a model; name one with --model, or count characters")
    }
    if augmentation.copies > 0, augmentation.isEmpty {
      throw Problem(
        "--copies",
        "copies would only repeat rows; add --system-prompts, --paraphrase or --typo-share")
    }
  }

  /// What was asked for, as reports say it.
  var options: JSON {
    [
      "seed": seed <= UInt64(Int.max) ? .integer(Int(seed)) : .string(String(seed)),
      "policy": policy.json, "trim": .bool(trims), "filter": filter.json,
      "augmentation": augmentation.isEmpty ? .null : augmentation.json,
      "split": split?.json ?? .null, "max_length": check.maxLength.map(JSON.integer) ?? .null,
      "rendered": .bool(check.renderer != nil),
    ]
  }
}
