import Formats

/// How a tokenizer cuts words, by the name that a GGUF file has for it (`tokenizer.ggml.pre`).
///
/// The names are llama.cpp's. The patterns are those of the models' own `tokenizer.json`, which
/// llama.cpp imitates: each is applied to the pieces that the one before has left.
struct GGUFWordRule {
  let patterns: [String]
  /// Whether a word that is a token becomes that token without merging.
  let ignoresMerges: Bool

  private init(_ patterns: [String], ignoresMerges: Bool = false) {
    self.patterns = patterns
    self.ignoresMerges = ignoresMerges
  }

  /// nil for a name that is not known.
  init?(_ name: String) {
    switch name {
    case "gpt-2", "phi-2", "mpt", "olmo", "jais", "trillion", "granite-docling", "exaone4",
      "gigachat", "modern-bert", "mellum", "roberta-bpe", "a.x-4.0", "jina-es", "jina-de",
      "jina-v1-en", "jina-v2-es", "jina-v2-de", "jina-v2-code":
      self.init([.gpt2])
    case "smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b",
      "mellum2":
      self.init([#"\p{N}"#, .gpt2])
    case "llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2",
      "jina-v5-nano":
      self.init([.llama3], ignoresMerges: true)
    case "dbrx", "smaug-bpe", "glm4", "chatglm-bpe":
      self.init([.llama3])
    case "qwen2", "deepseek-r1-qwen", "megrez", "stablelm2", "hunyuan", "solar-open", "grok-2",
      "kormo", "f2llmv2":
      self.init([.qwen2])
    case "qwen35":
      self.init([.qwen35])
    case "seed-coder":
      self.init([.seedCoder])
    case "bailingmoe", "bailingmoe2", "llada-moe":
      self.init([.bailing])
    case "gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2":
      self.init([.gpt4o])
    case "tiny_aya", "cohere2moe":
      self.init([#"\d{1,3}(?=(?:\d{3})*\b)"#, .gpt4o])
    case "tekken":
      self.init([.tekken], ignoresMerges: true)
    case "deepseek-llm":
      self.init(Self.deepSeek)
    case "deepseek-coder":
      self.init([#"[\r\n]"#, #"\s?\p{L}+"#, #"\s?\p{P}+"#, Self.eastAsian, #"\p{N}"#])
    case "deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4":
      self.init([#"\p{N}{1,3}"#, Self.japanese, .deepSeek3])
    case "falcon":
      self.init([#"[\p{P}$+<=>^~|`]+"#, .gpt2, "[0-9][0-9][0-9]"])
    case "poro-chat", "bloom", "gpt3-finnish":
      self.init([.bloom])
    case "viking":
      self.init([.bloom, #"\p{N}"#])
    case "superbpe":
      self.init([#"\p{N}+"#, #"(?=(\d{3})+(?!\d))"#])
    case "default":
      self.init([#"[\p{P}$+<=>^~|]+"#, .gpt2, #"\p{N}+"#, "[0-9][0-9][0-9]"])
    default: return nil
    }
  }

  func preTokenizer(place: String) throws(Problem) -> PreTokenizer {
    var steps: [PreTokenizer.Step] = []
    for pattern in patterns { steps.append(try .isolating(pattern, place: place)) }
    return PreTokenizer(steps: steps, spelledSteps: [])
  }

  /// Letters of alphabets with case (as Unicode 11 had them, without the rarest).
  private static let casedLetters =
    #"A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}"#
    + #"\x{1C4}-\x{293}\x{295}-\x{2AF}\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}"#
    + #"\x{37F}\x{386}\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1}\x{3A3}-\x{3F5}"#
    + #"\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556}\x{10A0}-\x{10C5}"#
    + #"\x{13A0}-\x{13F5}\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF}"#
    + #"\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15}"#
    + #"\x{1F18}-\x{1F1D}\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}"#
    + #"\x{1F5B}\x{1F5D}\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}"#
    + #"\x{1FC2}-\x{1FC4}\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}"#
    + #"\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107}"#
    + #"\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124}\x{2126}\x{2128}"#
    + #"\x{212A}-\x{212D}\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149}"#
    + #"\x{214E}\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4}\x{2CEB}-\x{2CEE}"#
    + #"\x{2CF2}\x{2CF3}\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F}"#
    + #"\x{A771}-\x{A787}\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}"#
    + #"\x{FB13}-\x{FB17}\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}\x{10400}-\x{1044F}"#
    + #"\x{104B0}-\x{104D3}\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}"#
    + #"\x{118A0}-\x{118DF}\x{1E900}-\x{1E943}"#

  /// DeepSeek LLM: line feeds, cased letters, punctuation (ASCII and East Asian), white space at the
  /// end, ideographs with Korean, digits.
  private static let deepSeek = [
    #"[\r\n]"#,
    #"\s?["# + casedLetters + "]+",
    #"\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+"#,
    #"\s+$"#,
    eastAsian,
    #"\p{N}"#,
  ]

  /// From U+0800 to the last ideograph of Unicode 1, and Hangul.
  private static let eastAsian = #"[\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+"#

  /// Ideographs, hiragana and katakana.
  private static let japanese = #"[\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+"#
}
