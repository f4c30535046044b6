import Formats

/// Reads the "pre_tokenizer" of `tokenizer.json`.
struct PreTokenizerReader {
  let path: String
  private var steps: [PreTokenizer.Step] = []

  init(path: String) { self.path = path }

  /// The steps in order; "ByteLevel" is a `spelled` one.
  ///
  /// - Throws: A `Problem` that names a type which is not supported.
  func read(_ value: JSON?) throws(Problem) -> [PreTokenizer.Step] {
    var reader = self
    if let value, !value.isNull { try reader.add(value) }
    return reader.steps
  }

  private mutating func add(_ value: JSON) throws(Problem) {
    switch value["type"]?.string {
    case "Sequence":
      for part in value["pretokenizers"]?.array ?? [] { try add(part) }
    case "ByteLevel":
      if value["add_prefix_space"]?.bool ?? true { steps.append(.prefixSpace) }
      if value["use_regex"]?.bool ?? true { steps.append(try .isolating(.gpt2, place: path)) }
      steps.append(.spelled)
    case "Split":
      let isInverted = value["invert"]?.bool ?? false
      let pattern = try Pattern(value["pattern"], place: path)
      steps.append(.split(pattern, try behavior(value), isInverted: isInverted))
    case "Digits":
      // Several digits are one piece, or each digit is: both are an isolated pattern.
      let digit = "[\(UnicodeTables.numbers.pattern)]"
      let pattern = value["individual_digits"]?.bool ?? false ? digit : digit + "+"
      steps.append(try .isolating(pattern, place: path))
    case "Punctuation":
      let pattern = try Pattern(Self.punctuation, place: path)
      steps.append(.split(pattern, try behavior(value, default: .isolated), isInverted: false))
    case "Whitespace":
      // Word characters as Unicode defines them, which is not quite Oniguruma's \w.
      let word =
        #"\p{Alphabetic}\p{L}\p{M}\p{Nd}\p{Pc}\x{200C}\x{200D}"#
      let pattern = try Pattern("[\(word)]+|[^\\s\(word)]+", place: path)
      steps.append(.split(pattern, .removed, isInverted: true))
    case "WhitespaceSplit": steps.append(try withoutSpaces())
    case "BertPreTokenizer": steps += try bert()
    case "CharDelimiterSplit":
      let delimiter = value["delimiter"]?.string ?? ""
      steps.append(
        .split(try Pattern(literal: delimiter, place: path), .removed, isInverted: false))
    case "Metaspace": try addMetaspace(value)
    case "FixedLength":
      let length = value["length"]?.integer ?? 5
      guard length > 0 else {
        throw Problem(path, "a pre_tokenizer \"FixedLength\" has no positive \"length\"")
      }
      steps.append(.chunks(length))
    case "UnicodeScripts":
      let pattern = try Pattern(unicodeScripts: (), place: path)
      steps.append(.split(pattern, .removed, isInverted: true))
    case let type:
      throw Problem(path, "pre_tokenizer type \"\(type ?? "")\" is not known; use another model")
    }
  }

  private static let punctuation = "[\(UnicodeTables.punctuation.pattern)]"

  /// Words without white space, punctuation apart.
  func bert() throws(Problem) -> [PreTokenizer.Step] {
    [try withoutSpaces(), try .isolating(Self.punctuation, place: path)]
  }

  private func withoutSpaces() throws(Problem) -> PreTokenizer.Step {
    .split(try Pattern(#"\s"#, place: path), .removed, isInverted: false)
  }

  private mutating func addMetaspace(_ value: JSON) throws(Problem) {
    let mark = value["replacement"]?.string ?? "\u{2581}"
    let scheme = try PreTokenizer.PrefixScheme(value, place: path)
    steps.append(.metaspace(mark: Array(mark.utf8), scheme))
    if value["split"]?.bool ?? true {
      steps.append(
        .split(try Pattern(literal: mark, place: path), .mergedWithNext, isInverted: false))
    }
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

extension PreTokenizer.PrefixScheme {
  /// "prepend_scheme" of a Metaspace; files before 2024 have "add_prefix_space" instead.
  init(_ value: JSON, place: String) throws(Problem) {
    if value["add_prefix_space"]?.bool == false {
      self = .never
    } else if let name = value["prepend_scheme"]?.string {
      guard let scheme = Self(rawValue: name) else {
        throw Problem(
          place, "\"prepend_scheme\" is \"\(name)\", expected \"always\", \"first\" or \"never\"")
      }
      self = scheme
    } else {
      self = .always
    }
  }
}
