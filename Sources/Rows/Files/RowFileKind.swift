import Formats

/// How rows stand in a file, as its name says.
enum RowFileKind: Equatable {
  /// `.jsonl`: one row a line.
  case lines
  /// `.json`: one list of rows.
  case list
  /// `.csv` and `.tsv`: one row a line under a header.
  case table(separator: UInt8)
  /// `.txt` and `.md`: the whole file is one row.
  case document

  static let names = ".jsonl, .json, .csv, .tsv, .txt or .md, each also with .gz or .zst behind it"

  /// nil for a name that says nothing known. What it says about compression is left to the content.
  init?(_ path: String) {
    switch Self.suffix(Self.withoutCompression(path)) {
    case "jsonl", "ndjson": self = .lines
    case "json": self = .list
    case "csv": self = .table(separator: UInt8(ascii: ","))
    case "tsv": self = .table(separator: UInt8(ascii: "\t"))
    case "txt", "md": self = .document
    default: return nil
    }
  }

  /// The kind of a file of rows.
  ///
  /// - Throws: For a name that says no kind, with what can be done.
  init(of path: String) throws(Problem) {
    if let kind = RowFileKind(path) {
      self = kind
      return
    }
    if let advice = Self.advice(path) { throw Problem(path, advice) }
    throw Problem(path, "its name does not say how rows stand in it, expected \(Self.names)")
  }

  /// Whether the name promises compressed content.
  static func isNamedCompressed(_ path: String) -> Bool { withoutCompression(path) != path }

  /// What to do about a file that holds rows in a way that is not read; nil for any other file.
  static func advice(_ path: String) -> String? {
    switch suffix(withoutCompression(path)) {
    case "parquet":
      "Parquet is not read; convert it, for example with"
        + " duckdb -c \"COPY 'rows.parquet' TO 'rows.jsonl'\", or in Python with"
        + " pandas.read_parquet('rows.parquet').to_json('rows.jsonl', orient='records', lines=True)"
    case "arrow", "feather":
      "Arrow files are not read; convert it, for example in Python with"
        + " datasets.Dataset.from_file('rows.arrow').to_json('rows.jsonl')"
    case "xlsx", "xls", "ods":
      "spreadsheets are not read; save the sheet as CSV (UTF-8)"
    case "zip", "tar", "tgz", "7z", "rar", "bz2", "xz", "lz4":
      "this archive is not read; unpack it, or compress each file with gzip or zstd"
    case "yaml", "yml", "xml", "html", "pdf", "docx":
      "rows are not read from such a file; convert it to \(names)"
    default: nil
    }
  }

  private static func withoutCompression(_ path: String) -> String {
    let name = path.lowercased()
    for suffix in [".gz", ".gzip", ".zst", ".zstd"] where name.hasSuffix(suffix) {
      return String(path.dropLast(suffix.count))
    }
    return path
  }

  /// What stands behind the last dot of a name, in small letters; nothing for a name without one.
  private static func suffix(_ path: String) -> String {
    let name = lastPathComponent(path)
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "" }
    return name[name.index(after: dot)...].lowercased()
  }
}
