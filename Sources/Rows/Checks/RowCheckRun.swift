package import Formats
package import Text

/// `finetune data check`: reads files once, looks at every row, and says what a person should look at before
/// training.
///
/// Of each row about a hundred bytes are kept. Files are read again only where rows nearly repeat others
/// and are too many to be remembered.
package struct RowCheckRun {
  /// A file, and whether it is learnt from.
  package struct Source: Sendable {
    package let rows: RowSource
    package let part: RowPart

    package init(_ rows: RowSource, _ part: RowPart) {
      self.rows = rows
      self.part = part
    }
  }

  package internal(set) var sources: [Source]
  /// What makes tokens of rows; nil: only texts are looked at.
  package var renderer: Renderer?
  /// The most tokens of a row; nil: any number.
  package var maxLength: Int?
  package var overlong = Overlong.drop
  /// The longest text that the model was made for; nil: not known.
  package var positions: Int?
  /// What is known before any row is read.
  package var known: [RowFinding] = []
  /// How many findings of each kind are kept with their places; all are counted.
  package var findingsKept = Int.max
  /// How many hashes of word sequences are kept in memory, at 4 bytes each.
  var shinglesKept = 1 << 24

  package init(_ sources: [Source]) { self.sources = sources }

  /// The checks that look at one row at a time.
  var checks: [any RowCheck] {
    [
      RepeatedKeys(), TurnOrder(), ToolCalls(),
      TokenChecks(maxLength: maxLength, overlong: overlong, positions: positions), controlTokens,
      Mojibake(), HiddenCharacters(), PersonalData(), EchoedQuestion(), Placeholder(), CodeFence(),
      LoopingAnswer(),
    ]
  }

  var controlTokens: ControlTokens {
    ControlTokens(renderer.map { ControlTokens.texts(of: $0.tokenizer) })
  }

  /// - Parameter progress: Called now and then with the number of rows so far.
  /// - Throws: Where a file is no file of rows at all, and where the template does not fit the model.
  package func run(progress: (Int) -> Void = { _ in }) throws(Problem) -> RowCheckReport {
    try renderer?.checkTemplate()
    var checker = RowChecker(self)
    for finding in known + repeatedFiles() { checker.add(finding) }
    for (index, source) in sources.enumerated() {
      var last: RowPlace?
      do {
        try RowSet.forEach([source.rows], renderer: renderer) {
          outcome throws(Problem) in
          checker.add(outcome, source: index)
          last = outcome.place
          if checker.report.rows.isMultiple(of: 1024) { progress(checker.report.rows) }
        }
      } catch {
        // A file of which nothing can be read is a slip in the command.
        guard let place = last else { throw error }
        checker.add(RowFinding(.unreadableFile, place, error.description))
      }
    }
    try checker.finish { numbers throws(Problem) in try self.shingles(of: numbers) }
    return checker.report
  }

  /// The words of some rows, by their numbers among all.
  private func shingles(of numbers: Set<Int>) throws(Problem) -> [Int: ShingleSet] {
    var sets: [Int: ShingleSet] = [:]
    var number = 0
    for source in sources {
      do {
        try RowSet.forEach([source.rows], renderer: nil) {
          outcome throws(Problem) in
          if numbers.contains(number) { sets[number] = ShingleSet(CheckedRow(outcome)) }
          number += 1
        }
      } catch {
        // The first reading came as far and has said so.
        continue
      }
    }
    return sets
  }

  /// Files that are named twice, perhaps by different paths. Within a folder or a pattern each counts once.
  private func repeatedFiles() -> [RowFinding] {
    var first: [[UInt8]: (path: String, part: RowPart)] = [:]
    var findings: [RowFinding] = []
    for source in sources {
      // What cannot be found is told where it is read.
      for path in (try? RowFiles.expand(source.rows.path)) ?? [] {
        let key = Array(resolvedPath(path).utf8)
        guard let other = first[key] else {
          first[key] = (path, source.part)
          continue
        }
        findings.append(Self.repeatedFile((path, source.part), as: other))
      }
    }
    return findings
  }

  static func repeatedFile(
    _ file: (path: String, part: RowPart), as other: (path: String, part: RowPart)
  ) -> RowFinding {
    let parts = other.part == file.part ? "" : ", and it is both learnt from and held out"
    return RowFinding(
      .sameFile, RowPlace(file: file.path, index: 0, line: 0, isLineFile: false),
      "the file is also named as \(other.path)\(parts)")
  }
}
