/// A file of rows, their shape, and how they are read.
package struct RowSource: Sendable, Equatable {
  package let path: String
  package let format: RowFormat
  package let mapping: RowMapping
  /// Whether arguments of tool calls that are JSON as text become objects.
  package let parsesToolArguments: Bool

  package init(
    path: String, format: RowFormat, mapping: RowMapping = RowMapping(),
    parsesToolArguments: Bool = false
  ) {
    self.path = path
    self.format = format
    self.mapping = mapping
    self.parsesToolArguments = parsesToolArguments
  }
}

/// What happens to a row longer than the longest that is allowed.
package enum Overlong: String, CaseIterable, Sendable {
  case drop, error, truncate
}
