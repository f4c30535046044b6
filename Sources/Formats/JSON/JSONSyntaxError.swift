/// Where and why a text is not JSON.
package struct JSONSyntaxError: Error, Sendable {
  package let message: String
  /// 1-based position in the file.
  package let line: Int
  package let column: Int
  /// The same as a position among the parser's bytes.
  package let offset: Int
  /// The text is right as far as it goes, and ends where more was expected.
  package let isIncomplete: Bool
}
