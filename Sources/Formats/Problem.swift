/// What the outside world did wrong, told to a person.
///
/// Each problem is one sentence: *where: what was found, what was expected; what to do*.
/// Independent problems are collected and reported together.
package struct Problem: Error, CustomStringConvertible, Sendable {
  /// Whose fault it was; decides the exit code of the process.
  package enum Kind: Sendable {
    /// Recipe, rows, files or arguments that cannot be used as they are (exit code 2).
    case input
    /// The work itself failed: no space, no memory, a loss that is not a number (exit code 1).
    case run
  }

  package let kind: Kind
  package let sentences: [String]

  /// One problem. `place` is the file, file and line, recipe key or option that the sentence is
  /// about; `sentence` says what was found, what was expected, and what to do.
  package init(_ place: String, _ sentence: String, kind: Kind = .input) {
    self.kind = kind
    self.sentences = ["\(place): \(sentence)"]
  }

  /// Several independent problems under one heading.
  package init(heading: String, problems: [String], kind: Kind = .input) {
    self.kind = kind
    let count = problems.count == 1 ? "1 problem" : "\(problems.count) problems"
    self.sentences = ["\(heading): \(count)"] + problems.map { "  " + $0 }
  }

  package var description: String { sentences.joined(separator: "\n") }
}
