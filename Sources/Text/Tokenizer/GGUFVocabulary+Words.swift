import Formats

/// How a byte-level tokenizer cuts words, as the name that llama.cpp has for it.
extension GGUFVocabulary {
  /// - Throws: A `Problem` where llama.cpp has no such way.
  mutating func wordRuleName() throws(Problem) -> String {
    for step in steps(root["normalizer"]) {
      guard ["NFC", "NFD", "NFKC", "NFKD"].contains(step["type"]?.string) else {
        throw refusal("normalizes texts by \"\(step["type"]?.string ?? "")\"")
      }
      warn(
        "llama.cpp does not normalize texts (\(step["type"]?.string ?? "")); it makes other tokens of"
          + " those that are not in that form already")
    }
    let steps = steps(root["pre_tokenizer"])
    if isFalcon(steps) { return "falcon" }
    var patterns: [String] = []
    for step in steps { patterns += try self.patterns(step) }
    let ignoresMerges = root["model"]?["ignore_merges"]?.bool ?? false
    guard let name = GGUFWordRule.name(patterns: patterns, ignoresMerges: ignoresMerges) else {
      throw refusal("cuts words by \(patterns.map { "\"\($0)\"" }.joined(separator: ", then "))")
    }
    return name
  }

  private func refusal(_ what: String) -> Problem {
    Problem(
      path,
      "this tokenizer \(what), which llama.cpp has no name for; export a Hugging Face directory or an"
        + " adapter instead")
  }

  /// Falcon's steps, which llama.cpp has patterns of its own for.
  private func isFalcon(_ steps: [JSON]) -> Bool {
    steps.compactMap { $0["type"]?.string } == ["Punctuation", "ByteLevel", "Digits", "Split"]
      && steps[2]["individual_digits"]?.bool == false
      && steps[3]["pattern"]?["Regex"]?.string == "[0-9][0-9][0-9]"
  }

  /// The patterns that a step isolates.
  private func patterns(_ step: JSON) throws(Problem) -> [String] {
    switch step["type"]?.string {
    case "ByteLevel":
      guard step["add_prefix_space"]?.bool ?? true == false else {
        throw refusal("puts a space before every text")
      }
      return step["use_regex"]?.bool ?? true ? [.gpt2] : []
    case "Digits":
      return [step["individual_digits"]?.bool ?? false ? #"\p{N}"# : #"\p{N}+"#]
    case "Split":
      let isInverted = step["invert"]?.bool ?? false
      // What is kept between removed gaps is what a match isolates.
      let isIsolated =
        step["behavior"]?.string == "Isolated" && !isInverted
        || step["behavior"]?.string == "Removed" && isInverted
      guard isIsolated, let pattern = step["pattern"]?["Regex"]?.string else {
        throw refusal("cuts words by a \"Split\" that is not isolated")
      }
      return [pattern]
    case let type: throw refusal("cuts words by \"\(type ?? "")\"")
    }
  }
}
