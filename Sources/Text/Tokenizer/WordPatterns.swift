/// Word patterns that many tokenizers share, in Oniguruma's syntax, as the models publish them.
extension String {
  /// GPT-2: contractions, letters, digits and other characters with the space before them; of white
  /// space the last character goes to the word behind it.
  static let gpt2 =
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  private static let contraction = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
  private static let spaces = #"\s*[\r\n]+|\s+(?!\S)|\s+"#

  /// Llama 3 and GPT-4: digits by threes, line feeds apart.
  static let llama3 =
    contraction
    + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"# + spaces

  /// Qwen 2: as Llama 3, each digit apart.
  static let qwen2 =
    contraction + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|"# + spaces

  /// Qwen 3.5: as Qwen 2, marks stay with their letters.
  static let qwen35 =
    contraction
    + #"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|"# + spaces

  static let seedCoder =
    contraction + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|"# + spaces

  static let bailing =
    #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|"#
    + #"\s*[\r\n]|\s+(?!\S)|\s+"#

  /// Words as capitals then small letters, so that camelCase falls apart.
  private static let casedWords = (
    #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"#,
    #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"#
  )

  /// GPT-4o and Llama 4.
  static let gpt4o =
    "\(casedWords.0)\(contraction)?|\(casedWords.1)\(contraction)?|"
    + #"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|"# + spaces

  /// Mistral's Tekken.
  static let tekken =
    "\(casedWords.0)|\(casedWords.1)|" + #"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|"# + spaces

  /// DeepSeek V3, after its splits at digits and at Chinese and Japanese.
  static let deepSeek3 =
    ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|"##
    + #"[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|"# + spaces

  /// BLOOM: everything up to white space or the punctuation of several scripts.
  static let bloom =
    #" ?[^(\s|.,!?\x{2026}\x{3002}\x{FF0C}\x{3001}\x{964}\x{6D4}\x{60C})]+"#
}
