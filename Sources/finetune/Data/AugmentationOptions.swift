import ArgumentParser
import Formats
import Rows

/// How questions are varied. Answers stay as they are.
struct AugmentationOptions: ParsableArguments {
  /// More would drown the rows that people wrote.
  private static let mostCopies = 100

  @Option(
    help: ArgumentHelp(
      """
      System prompts of which each row without its own gets one: a file with one a line, \
      or a JSON list.
      """, valueName: "file"))
  var systemPrompts: String?

  @Option(
    help: ArgumentHelp(
      """
      Phrases that may stand for each other in a question, as JSON: \
      {"ask": ["Tell me", "Please say"], …}
      """, valueName: "file"))
  var paraphrase: String?

  @Option(help: "Share of the questions with such a phrase that are paraphrased.")
  var paraphraseShare = 0.5

  @Option(help: "Share of a question's words that get a slip of the keyboard.")
  var typoShare = 0.0

  @Option(help: "Varied copies beside each row, instead of varying the row itself.")
  var copies = 0

  func augmentation() throws(Problem) -> RowAugmentation {
    for (name, share) in [("paraphrase", paraphraseShare), ("typo", typoShare)]
    where !(0...1).contains(share) {
      throw Problem("--\(name)-share", "found \(share), expected a share between 0 and 1")
    }
    guard (0...Self.mostCopies).contains(copies) else {
      throw Problem("--copies", "found \(copies), expected 0 to \(Self.mostCopies)")
    }
    var augmentation = RowAugmentation()
    if let systemPrompts {
      augmentation.systemPrompts = try SystemPromptVariants(path: systemPrompts)
    }
    if let paraphrase { augmentation.paraphrases = try Paraphrases(path: paraphrase) }
    augmentation.paraphraseShare = paraphraseShare
    augmentation.typoShare = typoShare
    augmentation.copies = copies
    return augmentation
  }
}
