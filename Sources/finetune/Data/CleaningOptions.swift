import ArgumentParser
import Formats
import Rows
import Text

/// Which rows stay, and what is repaired in them.
struct CleaningOptions: ParsableArguments {
  @Option(
    name: .customLong("on"), parsing: .singleValue,
    help: ArgumentHelp(
      """
      What happens to rows with a finding: fail, drop, fix or keep; NAME is a kind of \
      finding, damage, doubt, note or all; may be repeated. Without a rule, damage and \
      repetitions are dropped, and the rest is kept.
      """, valueName: "name=action"))
  var rules: [String] = []

  @Option(
    help: ArgumentHelp(
      "Personal data to replace by marks: email, phone, card, iban, ip, secret, or all.",
      valueName: "list"))
  var redact: String?

  @Flag(help: "Remove white space around texts.")
  var trim = false

  @Option(help: "Fewest tokens of a row; needs a model.")
  var minTokens: Int?

  @Option(help: "Most tokens of a row; needs a model.")
  var maxTokens: Int?

  @Option(help: "Fewest characters of a row, all its texts together.")
  var minCharacters: Int?

  @Option(help: "Most characters of a row.")
  var maxCharacters: Int?

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Keep only rows in which this regular expression (PCRE2) is found; may be repeated.",
      valueName: "pattern"))
  var keep: [String] = []

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp("Remove rows in which it is found; may be repeated.", valueName: "pattern"))
  var remove: [String] = []

  func policy() throws(Problem) -> RowPolicy {
    var policy = try RowPolicy(rules)
    if let redact { policy.fix(try Redaction.kinds(redact)) }
    return policy
  }

  func filter() throws -> RowFilter {
    try Self.check("tokens", minTokens, maxTokens)
    try Self.check("characters", minCharacters, maxCharacters)
    var filter = RowFilter()
    (filter.minTokens, filter.maxTokens) = (minTokens, maxTokens)
    (filter.minCharacters, filter.maxCharacters) = (minCharacters, maxCharacters)
    filter.keep = try keep.map { try SearchPattern($0, place: "--keep") }
    filter.remove = try remove.map { try SearchPattern($0, place: "--remove") }
    return filter
  }

  private static func check(_ unit: String, _ least: Int?, _ most: Int?) throws(Problem) {
    if let least, least < 0 {
      throw Problem("--min-\(unit)", "found \(least), expected 0 or more")
    }
    if let most, most < max(least ?? 0, 0) {
      throw Problem("--max-\(unit)", "found \(most), expected \(max(least ?? 0, 0)) or more")
    }
  }
}
