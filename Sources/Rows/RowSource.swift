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

  /// All that decides how the rows are read, in words: every property but the path.
  var readingOptions: String {
    Mirror(reflecting: self).children.filter { !Self.others.contains($0.label ?? "") }
      .map { "\($0.label ?? ""): \($0.value)" }.joined(separator: ", ")
  }

  /// Properties that do not decide how the rows are read.
  private static let others: Set = ["path"]
}

/// The shape of a row.
package enum RowFormat: String, CaseIterable, Sendable {
  case alpaca, sharegpt
}

/// What happens to a row longer than the longest that is allowed.
package enum Overlong: String, CaseIterable, Sendable {
  case drop, error, truncate
}
