package import Formats

/// A file of rows and their shape.
package struct RowSource: Sendable, Equatable {
  package let path: String
  package let format: RowFormat

  package init(path: String, format: RowFormat) {
    self.path = path
    self.format = format
  }

  /// The files that the path names, in the order in which they are read.
  package func files() throws(Problem) -> [String] { [path] }
}

/// The shape of a row.
package enum RowFormat: String, CaseIterable, Sendable {
  case alpaca, sharegpt
}

/// What happens to a row longer than the longest that is allowed.
package enum Overlong: String, CaseIterable, Sendable {
  case drop, error, truncate
}
