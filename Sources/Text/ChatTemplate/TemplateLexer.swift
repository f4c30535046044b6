import Formats

/// Cuts a template's source into tokens, with Jinja's white-space rules as transformers sets them:
/// `trim_blocks` (the line break after a tag goes) and `lstrip_blocks` (so does the indent before one).
///
/// `-` inside a tag's bracket strips all white space on that side, `+` keeps what would be stripped.
struct TemplateLexer {
  /// Bounds how deep the tree of one expression can become.
  private static let maximumTokensPerTag = 2000

  private let source: [Unicode.Scalar]
  private let name: String
  private var index = 0
  private var position = TemplatePosition(line: 1, column: 1)
  private var tokens: [TemplateToken] = []

  /// The tokens of a whole template, `.end` last; `name` is what messages call it.
  static func tokens(of source: String, name: String) throws(Problem) -> [TemplateToken] {
    var lexer = TemplateLexer(source: source, name: name)
    try lexer.run()
    return lexer.tokens
  }

  private init(source: String, name: String) {
    self.name = name
    // Jinja reads every line break as "\n" and ignores one at the end of the template.
    var scalars = Array(source.unicodeScalars)
    if scalars.contains("\r") {
      scalars = Array(
        PythonString.replace(PythonString.replace(source, "\r\n", with: "\n"), "\r", with: "\n")
          .unicodeScalars)
    }
    if scalars.last == "\n" { scalars.removeLast() }
    self.source = scalars
  }

  private func fault(_ sentence: String, at place: TemplatePosition? = nil) -> Problem {
    let place = place ?? position
    return Problem("\(name):\(place.line):\(place.column)", sentence)
  }

  private mutating func run() throws(Problem) {
    while index < source.count {
      let opening = nextTag()
      text(upTo: opening)
      guard let opening else { break }
      if source[opening + 1] == "#" {
        try comment()
      } else if try !raw() {
        try tag()
      }
    }
    append(.end)
  }

  // MARK: Moving

  private func peek(_ distance: Int = 0) -> Unicode.Scalar? {
    index + distance < source.count ? source[index + distance] : nil
  }

  private func next(is text: String) -> Bool { matches(text, at: index) }

  private func matches(_ text: String, at place: Int) -> Bool {
    let scalars = text.unicodeScalars
    return place + scalars.count <= source.count
      && scalars.elementsEqual(source[place..<place + scalars.count])
  }

  private mutating func advance(_ count: Int = 1) {
    for _ in 0..<count where index < source.count {
      if source[index] == "\n" {
        position = TemplatePosition(line: position.line + 1, column: 1)
      } else {
        position.column += 1
      }
      index += 1
    }
  }

  private mutating func skipSpace() {
    while let scalar = peek(), PythonString.isSpace(scalar) { advance() }
  }

  private mutating func append(_ kind: TemplateToken.Kind, at place: TemplatePosition? = nil) {
    tokens.append(TemplateToken(kind: kind, position: place ?? position))
  }

  // MARK: Text between tags

  /// Index of the next `{{`, `{%` or `{#`.
  private func nextTag() -> Int? {
    guard source.count >= 2 else { return nil }
    return (index..<max(index, source.count - 1)).first {
      source[$0] == "{" && ["{", "%", "#"].contains(source[$0 + 1])
    }
  }

  /// Emits the text before a tag, stripped as the tag asks for, and moves to the tag.
  private mutating func text(upTo opening: Int?) {
    let end = opening ?? source.count
    var kept = end
    if let opening {
      let sign = opening + 2 < source.count ? source[opening + 2] : " "
      if sign == "-" {
        while kept > index, PythonString.isSpace(source[kept - 1]) { kept -= 1 }
      } else if sign != "+", source[opening + 1] != "{" {
        kept = withoutIndent(before: opening)
      }
    }
    if kept > index { append(.text(PythonString.string(source[index..<kept]))) }
    advance(end - index)
  }

  /// Where the text ends if the tag at `opening` is the first thing on its line.
  private func withoutIndent(before opening: Int) -> Int {
    var start = opening
    while start > index, source[start - 1] != "\n" {
      guard PythonString.isSpace(source[start - 1]) else { return opening }
      start -= 1
    }
    // The line may have begun inside the tag before, which took its line break.
    let beginsLine = start > index || start == 0 || source[start - 1] == "\n"
    return beginsLine ? start : opening
  }

  // MARK: Comments and raw text

  private mutating func comment() throws(Problem) {
    let start = position
    advance(2)
    if let sign = peek(), sign == "-" || sign == "+" { advance() }
    let first = index
    while index < source.count, !next(is: "#}") { advance() }
    guard index < source.count else { throw fault("the comment {# is not closed by #}", at: start) }
    closeTag(sign: index > first ? source[index - 1] : " ")
  }

  /// After the two closing characters: strips as the sign before them says.
  private mutating func closeTag(sign: Unicode.Scalar) {
    advance(2)
    if sign == "-" {
      skipSpace()
    } else if sign != "+", peek() == "\n" {
      advance()
    }
  }

  /// Reads `{% raw %}…{% endraw %}` if that is what comes; its inside is text.
  private mutating func raw() throws(Problem) -> Bool {
    guard let opening = rawTag("raw", at: index) else { return false }
    let start = position
    advance(opening.end - index)
    if opening.closesWithMinus { skipSpace() }
    while index < source.count {
      guard next(is: "{%"), let closing = rawTag("endraw", at: index) else {
        advance()
        continue
      }
      let first = opening.closesWithMinus ? firstAfterSpace(opening.end) : opening.end
      emitRaw(from: first, upTo: index, at: start)
      let sign = source[closing.end - 3]
      advance(closing.end - 2 - index)
      closeTag(sign: sign)
      return true
    }
    throw fault("{% raw %} is not closed by {% endraw %}", at: start)
  }

  private func firstAfterSpace(_ start: Int) -> Int {
    var first = start
    while first < source.count, PythonString.isSpace(source[first]) { first += 1 }
    return first
  }

  private mutating func emitRaw(from start: Int, upTo end: Int, at place: TemplatePosition) {
    var kept = end
    let sign = source[end + 2]
    if sign == "-" {
      while kept > start, PythonString.isSpace(source[kept - 1]) { kept -= 1 }
    } else if sign != "+" {
      var lineStart = end
      while lineStart > start, source[lineStart - 1] != "\n",
        PythonString.isSpace(source[lineStart - 1])
      { lineStart -= 1 }
      if lineStart > start ? source[lineStart - 1] == "\n" : false { kept = lineStart }
    }
    if kept > start { append(.text(PythonString.string(source[start..<kept])), at: place) }
  }

  /// The end of a tag that holds only `word`, if one stands at `start`.
  private func rawTag(_ word: String, at start: Int) -> (end: Int, closesWithMinus: Bool)? {
    guard matches("{%", at: start) else { return nil }
    var place = start + 2
    if place < source.count, source[place] == "-" || source[place] == "+" { place += 1 }
    place = firstAfterSpace(place)
    guard matches(word, at: place) else { return nil }
    place = firstAfterSpace(place + word.unicodeScalars.count)
    if matches("%}", at: place) { return (place + 2, false) }
    if matches("-%}", at: place) { return (place + 3, true) }
    // A plus only has a meaning, and is only allowed, on the closing tag.
    if word == "endraw", matches("+%}", at: place) { return (place + 3, false) }
    return nil
  }

  // MARK: Inside tags

  private mutating func tag() throws(Problem) {
    let isExpression = source[index + 1] == "{"
    let start = position
    append(isExpression ? .expressionStart : .tagStart)
    advance(2)
    if let sign = peek(), sign == "-" || sign == "+" { advance() }
    let closing = isExpression ? "}}" : "%}"
    var brackets: [Unicode.Scalar] = []
    let first = tokens.count
    while true {
      guard tokens.count - first <= Self.maximumTokensPerTag else {
        throw fault("the tag holds more than \(Self.maximumTokensPerTag) tokens", at: start)
      }
      skipSpace()
      guard let scalar = peek() else {
        throw fault("the tag is not closed by \(closing)", at: start)
      }
      if brackets.isEmpty, close(closing, isExpression: isExpression) { return }
      switch scalar {
      case "'", "\"": try string(quote: scalar)
      case "0"..."9": try number()
      case "a"..."z", "A"..."Z", "_": identifier()
      default: try symbol(&brackets)
      }
    }
  }

  private mutating func close(_ closing: String, isExpression: Bool) -> Bool {
    if next(is: closing) {
      append(isExpression ? .expressionEnd : .tagEnd)
      // Only tags take the line break after them; expressions keep it.
      if isExpression { advance(2) } else { closeTag(sign: " ") }
      return true
    }
    guard let sign = peek(), sign == "-" || (sign == "+" && !isExpression),
      matches(closing, at: index + 1)
    else { return false }
    advance()
    append(isExpression ? .expressionEnd : .tagEnd)
    closeTag(sign: sign)
    return true
  }

  private mutating func identifier() {
    let start = position
    let first = index
    while let scalar = peek(), Self.continuesName(scalar) { advance() }
    append(.name(PythonString.string(source[first..<index])), at: start)
  }

  private static func continuesName(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", "_": true
    default: false
    }
  }

  private static let symbols =
    ["//", "**", "==", "!=", ">=", "<="] + "+-*/%~()[]{}<>=.:|,;".map(String.init)

  private mutating func symbol(_ brackets: inout [Unicode.Scalar]) throws(Problem) {
    let start = position
    guard let symbol = Self.symbols.first(where: { next(is: $0) }) else {
      let found = peek().map(String.init) ?? ""
      throw fault("\"\(found)\" has no meaning inside a tag")
    }
    switch symbol {
    case "(": brackets.append(")")
    case "[": brackets.append("]")
    case "{": brackets.append("}")
    case ")", "]", "}":
      guard let expected = brackets.popLast() else {
        throw fault("\"\(symbol)\" closes nothing")
      }
      guard symbol.unicodeScalars.first == expected else {
        throw fault("found \"\(symbol)\", expected \"\(expected)\"")
      }
    default: break
    }
    advance(symbol.utf8.count)
    append(.symbol(symbol), at: start)
  }
}

// MARK: - Literals

extension TemplateLexer {
  /// Decimal, 0x, 0o and 0b integers and floats, with `_` between digits.
  private mutating func number() throws(Problem) {
    let start = position
    let first = index
    if let base = peek(1).flatMap(Self.base), peek() == "0" {
      advance(2)
      digits { Character($0).hexDigitValue.map { $0 < base } ?? false }
      let text = literal(from: first + 2)
      guard let value = Int(text, radix: base) else {
        throw fault("the number 0\(source[first + 1])\(text) is not a 64-bit integer", at: start)
      }
      return append(.integer(value), at: start)
    }
    let isDigit = { (scalar: Unicode.Scalar) in ("0"..."9").contains(scalar) }
    digits(isDigit)
    var isInteger = true
    let followsDot = first > 0 && source[first - 1] == "."
    if !followsDot, peek() == ".", peek(1).map(isDigit) ?? false {
      isInteger = false
      advance()
      digits(isDigit)
    }
    if !followsDot, peek() == "e" || peek() == "E" {
      let hasSign = peek(1) == "+" || peek(1) == "-"
      if peek(hasSign ? 2 : 1).map(isDigit) ?? false {
        isInteger = false
        advance(hasSign ? 2 : 1)
        digits(isDigit)
      }
    }
    let text = literal(from: first)
    if isInteger, let value = Int(text) { return append(.integer(value), at: start) }
    guard !isInteger, let value = Double(text) else {
      throw fault("the number \(text) is not a 64-bit integer", at: start)
    }
    append(.float(value), at: start)
  }

  private static func base(_ letter: Unicode.Scalar) -> Int? {
    switch letter {
    case "x", "X": 16
    case "o", "O": 8
    case "b", "B": 2
    default: nil
    }
  }

  private mutating func digits(_ isDigit: (Unicode.Scalar) -> Bool) {
    while let scalar = peek(), isDigit(scalar) || (scalar == "_" && peek(1).map(isDigit) ?? false) {
      advance()
    }
  }

  private func literal(from first: Int) -> String {
    PythonString.string(source[first..<index].filter { $0 != "_" })
  }

  /// A string with Python's escapes; an escape that Python does not know stays as written.
  private mutating func string(quote: Unicode.Scalar) throws(Problem) {
    let start = position
    advance()
    var text = String.UnicodeScalarView()
    while let scalar = peek() {
      advance()
      if scalar == quote { return append(.string(String(text)), at: start) }
      if scalar == "\\" { try escape(into: &text) } else { text.append(scalar) }
    }
    throw fault("the string is not closed by \(quote)", at: start)
  }

  private mutating func escape(into text: inout String.UnicodeScalarView) throws(Problem) {
    let start = position
    guard let scalar = peek() else { return }
    advance()
    switch scalar {
    case "n": text.append("\n")
    case "t": text.append("\t")
    case "r": text.append("\r")
    case "a": text.append("\u{7}")
    case "b": text.append("\u{8}")
    case "f": text.append("\u{C}")
    case "v": text.append("\u{B}")
    case "\\", "'", "\"": text.append(scalar)
    case "\n": break
    case "x": text.append(try codePoint(digits: 2, start))
    case "u": text.append(try codePoint(digits: 4, start))
    case "U": text.append(try codePoint(digits: 8, start))
    case "0"..."7": text.append(octal(first: scalar))
    case "N": throw fault("\\N{…} escapes are not supported; write \\uXXXX", at: start)
    default:
      text.append("\\")
      text.append(scalar)
    }
  }

  private mutating func codePoint(
    digits count: Int, _ start: TemplatePosition
  ) throws(Problem) -> Unicode.Scalar {
    let first = index
    advance(count)
    let text = PythonString.string(source[first..<index])
    guard text.utf8.count == count, text.allSatisfy(\.isHexDigit),
      let value = UInt32(text, radix: 16),
      let scalar = Unicode.Scalar(value)
    else { throw fault("an escape needs \(count) hexadecimal digits of a character", at: start) }
    return scalar
  }

  private mutating func octal(first: Unicode.Scalar) -> Unicode.Scalar {
    var value = first.value - 0x30
    for _ in 0..<2 {
      guard let scalar = peek(), ("0"..."7").contains(scalar) else { break }
      value = value * 8 + scalar.value - 0x30
      advance()
    }
    // Three octal digits reach 511 at most, far below the surrogates.
    return Unicode.Scalar(value) ?? "\u{FFFD}"
  }
}
