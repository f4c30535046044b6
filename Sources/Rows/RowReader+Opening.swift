package import Formats

extension RowReader {
  /// A reader for a source, whose format is recognized from its first rows where it is "auto".
  static func opening(_ source: RowSource) throws(Problem) -> RowReader {
    guard source.format == .auto else { return RowReader(source) }
    return RowReader(source, format: try RowFormat.recognized(source))
  }
}

extension RowFormat {
  /// The format of a source's first rows.
  package static func recognized(_ source: RowSource) throws(Problem) -> RowFormat {
    var rows: [JSON] = []
    try RowFile(source.path).forEachResult { _, result throws(Problem) in
      if rows.count < rowsLookedAt, case .success(let row) = result { rows.append(row) }
    }
    return try recognized(rows, of: source.path, mapping: source.mapping)
  }
}
