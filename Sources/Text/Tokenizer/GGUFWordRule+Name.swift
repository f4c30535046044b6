extension GGUFWordRule {
  /// llama.cpp's names for the ways of cutting words that published models have, each once.
  private static let names = [
    "gpt-2", "smollm", "llama-bpe", "dbrx", "qwen2", "qwen35", "gpt-4o", "tekken", "falcon",
    "deepseek-llm", "deepseek-coder", "deepseek-v3", "bloom", "viking", "seed-coder", "bailingmoe",
    "superbpe", "tiny_aya",
  ]

  /// The name under which llama.cpp cuts words in this way; nil where it has none.
  ///
  /// - Parameters:
  ///   - patterns: In Oniguruma's syntax; each is applied to the pieces that the one before has left.
  ///   - ignoresMerges: Whether a word that is a token becomes that token without merging.
  static func name(patterns: [String], ignoresMerges: Bool) -> String? {
    names.first { name in
      guard let rule = GGUFWordRule(name) else { return false }
      return rule.ignoresMerges == ignoresMerges
        && rule.patterns.map(Self.plain) == patterns.map(Self.plain)
    }
  }

  /// One spelling for patterns that mean the same.
  private static func plain(_ pattern: String) -> [UInt8] {
    var text = pattern
    for (other, common) in [
      ("(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])", "(?i:'s|'t|'re|'ve|'m|'ll|'d)"),
      ("\\p{N}{1}", "\\p{N}"),
    ] {
      text = text.split(separator: other, omittingEmptySubsequences: false).joined(
        separator: common)
    }
    return Array(text.utf8)
  }
}
