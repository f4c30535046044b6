import Formats

/// Rewrites a regular expression from Oniguruma's syntax (default syntax, UTF-8), which
/// `tokenizer.json` uses, to PCRE2's.
///
/// Most of the two languages is equal. What differs is rewritten (white space and word characters are
/// Unicode's, `\h` is a hexadecimal digit, `\v` one character, `{n,m}+` repeats instead of being
/// possessive) or, where PCRE2 has no equal, refused with the construct's name.
struct OnigurumaSyntax {
  private let source: [Unicode.Scalar]
  private let place: String
  private var position = 0
  private var output: [Unicode.Scalar] = []
  /// Where in `output` the element starts that a quantifier would apply to.
  private var elementStart = 0
  /// Where in `output` the open groups start.
  private var groupStarts: [Int] = []

  /// - Throws: A `Problem` at `place` naming the construct that is not supported.
  static func translate(_ pattern: String, place: String) throws(Problem) -> String {
    var syntax = OnigurumaSyntax(source: Array(pattern.unicodeScalars), place: place)
    while syntax.position < syntax.source.count { try syntax.element() }
    var result = String.UnicodeScalarView()
    result.append(contentsOf: syntax.output)
    return String(result)
  }

  private init(source: [Unicode.Scalar], place: String) {
    self.source = source
    self.place = place
  }

  // Contents of a character class. Unicode's White_Space is the separators plus six controls
  // (PCRE2's own \s also has U+180E).
  private static let space = #"\x{9}-\x{D}\x{85}\p{Z}"#
  private static let notSpace =
    #"\x{0}-\x{8}\x{E}-\x{1F}\x{21}-\x{84}\x{86}-\x{9F}\x{A1}-\x{167F}\x{1681}-\x{1FFF}"#
    + #"\x{200B}-\x{2027}\x{202A}-\x{202E}\x{2030}-\x{205E}\x{2060}-\x{2FFF}\x{3001}-\x{10FFFF}"#
  /// Oniguruma also counts the superscripts and fractions of Latin-1.
  private static let word =
    #"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\xB2\xB3\xB9\xBC-\xBE"#
    + ["L", "M", "Nd"].map(additions).joined()
  private static let digit = #"\p{Nd}"# + additions("Nd")
  private static let hexadecimal = "0-9A-Fa-f"

  private var next: Unicode.Scalar? { position < source.count ? source[position] : nil }

  private func unsupported(_ construct: String) -> Problem {
    let pattern = String(String.UnicodeScalarView(source))
    return Problem(
      place,
      "the pattern \"\(pattern)\" uses \(construct) at character \(position + 1), which is not "
        + "supported; use another model")
  }

  private mutating func emit(_ text: String) { output.append(contentsOf: text.unicodeScalars) }

  private mutating func begin() { elementStart = output.count }

  /// Characters that a category or script has gained since Unicode 14, as contents of a class: PCRE2
  /// may be as old as that, Oniguruma knows Unicode 16.
  private static func additions(_ name: String) -> String {
    let scripts = ["Han", "Hiragana", "Katakana", "Hangul", "Latin"]
    return UnicodeTables.additions.filter { key, _ in
      name == key || (name.utf8.count == 1 && key.hasPrefix(name) && !scripts.contains(key))
    }.sorted { $0.key < $1.key }.map(\.value.pattern).joined()
  }

  /// Translates the next element, quantifier or bracket.
  private mutating func element() throws(Problem) {
    let scalar = source[position]
    switch scalar {
    case "\\":
      begin()
      position += 1
      try escape()
    case "[":
      begin()
      position += 1
      try characterClass()
    case "(":
      try openGroup()
    case ")":
      elementStart = groupStarts.popLast() ?? output.count
      output.append(scalar)
      position += 1
    case "{":
      try interval()
    case "*", "+", "?":
      output.append(scalar)
      position += 1
    default:
      begin()
      output.append(scalar)
      position += 1
    }
  }

  // MARK: - Escapes

  private mutating func escape() throws(Problem) {
    guard let scalar = next else { throw unsupported("a backslash at the end") }
    position += 1
    switch scalar {
    case "s": emit("[\(Self.space)]")
    case "S": emit("[^\(Self.space)]")
    case "w": emit("[\(Self.word)]")
    case "W": emit("[^\(Self.word)]")
    case "h": emit("[\(Self.hexadecimal)]")
    case "H": emit("[^\(Self.hexadecimal)]")
    case "b":
      emit("(?:(?<=[\(Self.word)])(?![\(Self.word)])|(?<![\(Self.word)])(?=[\(Self.word)]))")
    case "B":
      emit("(?:(?<=[\(Self.word)])(?=[\(Self.word)])|(?<![\(Self.word)])(?![\(Self.word)]))")
    case "A", "Z", "z", "G", "R", "1"..."9": emit("\\\(scalar)")
    default: try sharedEscape(scalar, inClass: false)
    }
  }

  /// Escapes that mean the same inside and outside of a character class.
  private mutating func sharedEscape(
    _ scalar: Unicode.Scalar, inClass: Bool
  ) throws(Problem) {
    switch scalar {
    case "d": emit(inClass ? Self.digit : "[\(Self.digit)]")
    case "D": emit(inClass ? #"\P{Nd}"# : "[^\(Self.digit)]")
    case "n", "t", "r", "f", "a", "e": emit("\\\(scalar)")
    case "v": emit(#"\x{B}"#)
    case "p", "P": try property(isNegated: scalar == "P", inClass: inClass)
    case "x": try codePoint(isBraced: next == "{", maximumDigits: next == "{" ? 8 : 2)
    case "u": try codePoint(isBraced: false, maximumDigits: 4)
    case "0"..."9", "A"..."Z", "a"..."z":
      position -= 1
      throw unsupported("\\\(scalar)")
    default:
      output.append("\\")
      output.append(scalar)
    }
  }

  /// `\x41`, `\x{1F600}`, `\u00E9`, with the letter already consumed.
  private mutating func codePoint(isBraced: Bool, maximumDigits: Int) throws(Problem) {
    if isBraced { position += 1 }
    var digits = ""
    while let scalar = next, Character(scalar).isHexDigit, digits.utf8.count < maximumDigits {
      digits.unicodeScalars.append(scalar)
      position += 1
    }
    if isBraced {
      guard next == "}" else { throw unsupported("an unfinished \\x{…}") }
      position += 1
    }
    guard let value = UInt32(digits, radix: 16), Unicode.Scalar(value) != nil,
      isBraced || maximumDigits == 4 || value < 0x80
    else { throw unsupported("a code that is no character") }
    emit("\\x{\(digits)}")
  }

  /// `\p{L}`, `\p{^L}`, `\p{Han}`, with the letter already consumed.
  private mutating func property(isNegated: Bool, inClass: Bool) throws(Problem) {
    guard next == "{", let end = source[position...].firstIndex(of: "}") else {
      throw unsupported("\\p without {…}")
    }
    var name = source[(position + 1)..<end]
    var isNegated = isNegated
    if name.first == "^" {
      isNegated.toggle()
      name = name.dropFirst()
    }
    let text = String(String.UnicodeScalarView(name))
    guard let translated = Self.property(text) else { throw unsupported("\\p{\(text)}") }
    let shortName = translated.hasPrefix("sc:") ? text : translated
    let added = Self.additions(shortName)
    switch (isNegated, inClass) {
    case (false, true): emit("\\p{\(translated)}\(added)")
    case (true, true): emit("\\P{\(translated)}")
    case (false, false): emit(added.isEmpty ? "\\p{\(translated)}" : "[\\p{\(translated)}\(added)]")
    case (true, false): emit(added.isEmpty ? "\\P{\(translated)}" : "[^\\p{\(translated)}\(added)]")
    }
    position = end + 1
  }

  /// PCRE2's name of a property: general categories in their short form, and scripts by themselves
  /// (a bare script name also means the scripts a character is shared with).
  private static func property(_ name: String) -> String? {
    let categories: Set = [
      "C", "Cc", "Cf", "Cn", "Co", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N",
      "Nd", "Nl", "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So",
      "Z", "Zl", "Zp", "Zs", "Alphabetic",
    ]
    let longNames = [
      "Letter": "L", "Mark": "M", "Number": "N", "Punctuation": "P", "Symbol": "S",
      "Separator": "Z", "Other": "C", "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll",
      "Titlecase_Letter": "Lt", "Modifier_Letter": "Lm", "Other_Letter": "Lo",
      "Decimal_Number": "Nd",
    ]
    let scripts: Set = [
      "Arabic", "Armenian", "Bengali", "Bopomofo", "Cyrillic", "Devanagari", "Ethiopic", "Georgian",
      "Greek", "Gujarati", "Gurmukhi", "Han", "Hangul", "Hebrew", "Hiragana", "Kannada", "Katakana",
      "Khmer", "Lao", "Latin", "Malayalam", "Mongolian", "Myanmar", "Oriya", "Sinhala", "Tamil",
      "Telugu", "Thai", "Tibetan",
    ]
    if categories.contains(name) { return name }
    return longNames[name] ?? (scripts.contains(name) ? "sc:\(name)" : nil)
  }

  // MARK: - Character classes

  /// `[…]` with the opening bracket already consumed.
  private mutating func characterClass() throws(Problem) {
    output.append("[")
    if next == "^" {
      output.append("^")
      position += 1
    }
    var isFirst = true
    while let scalar = next {
      if scalar == "]", !isFirst {
        output.append(scalar)
        position += 1
        return
      }
      try classMember(scalar)
      isFirst = false
    }
    throw unsupported("a character class that is not closed")
  }

  private mutating func classMember(_ scalar: Unicode.Scalar) throws(Problem) {
    let follower = position + 1 < source.count ? source[position + 1] : nil
    switch (scalar, follower) {
    case ("[", ":"): throw unsupported("a POSIX class")
    case ("[", _): throw unsupported("a class inside a class")
    case ("&", "&"): throw unsupported("an intersection of classes")
    case ("]", _): emit("\\]")
    case ("\\", let escaped?):
      position += 2
      return try classEscape(escaped)
    default: output.append(scalar)
    }
    position += 1
  }

  private mutating func classEscape(_ scalar: Unicode.Scalar) throws(Problem) {
    switch scalar {
    case "s": emit(Self.space)
    case "S": emit(Self.notSpace)
    case "w": emit(Self.word)
    case "h": emit(Self.hexadecimal)
    case "b": emit(#"\x{8}"#)
    default: try sharedEscape(scalar, inClass: true)
    }
  }

  // MARK: - Groups and quantifiers

  private mutating func openGroup() throws(Problem) {
    let start = output.count
    let rest = source[position...].dropFirst().prefix { $0 != ")" }
    let head = String(String.UnicodeScalarView(rest.prefix(4)))
    if head.hasPrefix("?#") { return position += rest.count + 2 }
    guard !head.hasPrefix("*") else { throw unsupported("(*…)") }
    let plain = ["?:", "?=", "?!", "?>", "?<=", "?<!"].first(where: head.hasPrefix)
    if let plain {
      emit("(\(plain)")
      position += 1 + plain.unicodeScalars.count
    } else if head.hasPrefix("?") {
      try options(rest.dropFirst())
    } else {
      output.append("(")
      position += 1
    }
    groupStarts.append(start)
    elementStart = output.count
  }

  /// `(?i:…)`, `(?m:…)` (Oniguruma's m lets a dot match a line feed: s elsewhere), `(?-i:…)`.
  private mutating func options(_ rest: ArraySlice<Unicode.Scalar>) throws(Problem) {
    guard let end = rest.firstIndex(of: ":"),
      rest[..<end].allSatisfy({ ["i", "m", "-"].contains($0) })
    else {
      throw unsupported("(?\(String(String.UnicodeScalarView(rest.prefix(2))))…)")
    }
    emit("(?" + String(String.UnicodeScalarView(rest[..<end].map { $0 == "m" ? "s" : $0 })) + ":")
    position = end + 1
  }

  /// `{n}`, `{n,}`, `{,m}`, `{n,m}`, or a brace that stands for itself.
  private mutating func interval() throws(Problem) {
    guard let end = source[position...].firstIndex(of: "}"),
      let (minimum, maximum) = Self.bounds(source[(position + 1)..<end])
    else {
      begin()
      emit("\\{")
      return position += 1
    }
    if let maximum, minimum > maximum { throw unsupported("an interval that runs backwards") }
    position = end + 1
    let isExact = minimum == maximum
    emit("{\(minimum)" + (isExact ? "}" : ",\(maximum.map(String.init) ?? "")}"))
    // Here "+" repeats the whole and "?" after {n} makes it optional; in PCRE2 they would be modes.
    if next == "+" || (next == "?" && isExact) {
      output.insert(contentsOf: "(?:".unicodeScalars, at: elementStart)
      output.append(")")
    }
  }

  private static func bounds(_ text: ArraySlice<Unicode.Scalar>) -> (Int, Int?)? {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
      .map { String(String.UnicodeScalarView($0)) }
    guard parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else {
      return nil
    }
    switch parts.count {
    case 1: return Int(parts[0]).map { ($0, $0) }
    case 2 where parts != ["", ""]: return (Int(parts[0]) ?? 0, Int(parts[1]))
    default: return nil
    }
  }
}
