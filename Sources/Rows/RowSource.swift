package import Formats

/// A file of rows, their shape, and how they are read.
package struct RowSource: Sendable, Equatable {
  package let path: String
  package var format: RowFormat
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

  /// The files that the path names, in the order in which they are read.
  package func files() throws(Problem) -> [String] { try RowFiles.expand(path) }

  /// All that decides how the rows are read, in words.
  var readingOptions: String {
    func json(_ names: [String: String]) -> JSON {
      .object(JSONObject(names.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
    }
    let options: JSON = [
      "format": .string(format.rawValue), "fields": json(mapping.fields),
      "roles": json(mapping.roles), "prompt": mapping.prompt.map(JSON.string) ?? .null,
      "parse_tool_arguments": .bool(parsesToolArguments),
    ]
    return options.text()
  }

  /// What is to be said of a source that does not name its format; nil where it does.
  package func recognition(as format: RowFormat) -> String? {
    guard self.format == .auto else { return nil }
    return "\(path): read as \"\(format.rawValue)\" rows (\(format.summary))"
  }

  /// The source with a format of its own: where it says "auto", the one that its rows have.
  package func recognized() throws(Problem) -> RowSource {
    guard format == .auto else { return self }
    var source = self
    var first: (format: RowFormat, path: String)?
    for path in try files() {
      let rows = try RowFile.first(RowFormat.rowsLookedAt, of: path)
      let format = try RowFormat.recognized(rows, of: path, mapping: mapping)
      if let first, first.format != format {
        throw Problem(
          path,
          "its rows look like \"\(format.rawValue)\", those of \(first.path) like \"\(first.format.rawValue)\"; "
            + "name files of one format as one source")
      }
      first = (format, path)
      source.format = format
    }
    return source
  }
}

/// What happens to a row longer than the longest that is allowed.
package enum Overlong: String, CaseIterable, Sendable {
  case drop, error, truncate
}
