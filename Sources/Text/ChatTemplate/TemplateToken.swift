/// A place in a template's source, both counted from 1.
struct TemplatePosition: Equatable, Sendable {
  var line: Int
  var column: Int
}

struct TemplateToken: Equatable, Sendable {
  enum Kind: Equatable, Sendable {
    /// Text outside of tags, with the white space that tags ask to strip already gone.
    case text(String)
    /// `{{` and `}}`
    case expressionStart, expressionEnd
    /// `{%` and `%}`
    case tagStart, tagEnd
    case name(String)
    case string(String)
    case integer(Int)
    case float(Double)
    /// An operator or a bracket, as written.
    case symbol(String)
    case end
  }

  let kind: Kind
  let position: TemplatePosition

  /// How a message names this token.
  var description: String {
    switch kind {
    case .text: "text"
    case .expressionStart: "{{"
    case .expressionEnd: "}}"
    case .tagStart: "{%"
    case .tagEnd: "%}"
    case .name(let name): name
    case .string(let string): PythonText.representation(.string(string))
    case .integer(let integer): String(integer)
    case .float(let number): PythonText.number(number)
    case .symbol(let symbol): symbol
    case .end: "the end of the template"
    }
  }
}
