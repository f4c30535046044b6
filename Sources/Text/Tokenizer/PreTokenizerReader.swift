import Formats

/// Reads the "pre_tokenizer" of `tokenizer.json`.
struct PreTokenizerReader {
  let path: String
  private var steps: [PreTokenizer.Step] = []
  private var spelledSteps: [PreTokenizer.Step] = []
  private var hasByteLevel = false

  init(path: String) { self.path = path }

  /// - Throws: A `Problem` that names a type which is not supported, or says that bytes are not what
  ///   the tokenizer works on.
  func read(_ value: JSON?) throws(Problem) -> PreTokenizer {
    var reader = self
    if let value, !value.isNull { try reader.add(value) }
    guard reader.hasByteLevel else { throw Tokenizer.unsupported("BPE without ByteLevel", path) }
    return PreTokenizer(steps: reader.steps, spelledSteps: reader.spelledSteps)
  }

  private mutating func add(_ value: JSON) throws(Problem) {
    switch value["type"]?.string {
    case "Sequence":
      for part in value["pretokenizers"]?.array ?? [] { try add(part) }
    case "ByteLevel":
      try addByteLevel(value)
    case "Split":
      let isInverted = value["invert"]?.bool ?? false
      let pattern = try Pattern(value["pattern"], place: path)
      append(.split(pattern, try behavior(value), isInverted: isInverted))
    case "Digits":
      // Several digits are one piece, or each digit is: both are an isolated pattern.
      let pattern = value["individual_digits"]?.bool ?? false ? #"\p{N}"# : #"\p{N}+"#
      append(try .isolating(pattern, place: path))
    case "Punctuation":
      let pattern = try Pattern(#"[\p{P}!-/:-@\[-`{-~]"#, place: path)
      append(.split(pattern, try behavior(value, default: .isolated), isInverted: false))
    case "Whitespace":
      // Word characters as Unicode defines them, which is not quite Oniguruma's \w.
      let word = #"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200C}\x{200D}"#
      let pattern = try Pattern("[\(word)]+|[^\\s\(word)]+", place: path)
      append(.split(pattern, .removed, isInverted: true))
    case "WhitespaceSplit":
      append(.split(try Pattern(#"\s"#, place: path), .removed, isInverted: false))
    case "CharDelimiterSplit":
      let delimiter = value["delimiter"]?.string ?? ""
      append(.split(try Pattern(literal: delimiter, place: path), .removed, isInverted: false))
    case let type:
      throw Problem(
        path, "pre_tokenizer type \"\(type ?? "")\" is not supported yet; use another model")
    }
  }

  private mutating func addByteLevel(_ value: JSON) throws(Problem) {
    if hasByteLevel {
      throw Problem(path, "pre_tokenizer has \"ByteLevel\" twice, which is not supported")
    }
    if value["add_prefix_space"]?.bool ?? true { append(.prefixSpace) }
    if value["use_regex"]?.bool ?? true { append(try .isolating(.gpt2, place: path)) }
    hasByteLevel = true
  }

  private mutating func append(_ step: PreTokenizer.Step) {
    if hasByteLevel { spelledSteps.append(step) } else { steps.append(step) }
  }

  private func behavior(
    _ value: JSON, default standard: PreTokenizer.SplitBehavior? = nil
  ) throws(Problem) -> PreTokenizer.SplitBehavior {
    guard let name = value["behavior"]?.string else {
      if let standard { return standard }
      throw Problem(path, "a pre_tokenizer \"Split\" has no \"behavior\"; the file is damaged")
    }
    guard let behavior = PreTokenizer.SplitBehavior(rawValue: name) else {
      throw Problem(path, "pre_tokenizer behavior \"\(name)\" is not known; use another model")
    }
    return behavior
  }
}

extension PreTokenizer.Step {
  /// Every match and everything between two matches is a piece.
  static func isolating(_ pattern: String, place: String) throws(Problem) -> Self {
    .split(try Pattern(pattern, place: place), .isolated, isInverted: false)
  }
}
