import Formats

/// `manifest.json` of a cache: what it was made from, what is in it, and the sums of its files.
struct RowCacheManifest {
  /// A file of rows as places name it.
  struct File: Equatable {
    let path: String
    let isLineFile: Bool
  }

  static let name = "manifest.json"
  /// The files of a cache beside the manifest.
  static let tokens = "tokens.h5"
  static let verdicts = "rows.jsonl"

  let key: JSON
  let summary: RowSummary
  /// The files of rows, in the order of their numbers.
  let files: [File]
  /// SHA-256 and size by name.
  let sums: [String: SHA256Sum]

  struct SHA256Sum: Equatable {
    let size: Int
    let hex: String
  }

  private var content: JSON {
    [
      "key": key, "summary": summary.json,
      "files": .array(files.map { ["path": .string($0.path), "lines": .bool($0.isLineFile)] }),
      "contents": .array(
        sums.sorted { $0.key < $1.key }.map {
          [
            "name": .string($0.key), "size": .integer($0.value.size),
            "sha256": .string($0.value.hex),
          ]
        }),
    ]
  }

  /// The manifest with a sum of its own, so that a damaged one is noticed.
  var json: JSON {
    ["content": content, "sha256": .string(Self.sum(of: content))]
  }

  private static func sum(of content: JSON) -> String {
    SHA256Digest(of: Array(content.text().utf8)).hex
  }

  init(
    key: JSON, summary: RowSummary, files: [File], sums: [String: SHA256Sum]
  ) {
    self.key = key
    self.summary = summary
    self.files = files
    self.sums = sums
  }

  /// Reads the manifest in a directory.
  ///
  /// - Throws: Where it is missing, damaged, or of a cache of something else.
  init(in directory: String, key: JSON) throws(Problem) {
    let path = "\(directory)/\(Self.name)"
    let json = try readJSON(path)
    guard let content = json["content"], json["sha256"]?.string == Self.sum(of: content),
      content["key"] == key,
      let summary = content["summary"].flatMap({ RowSummary($0) }),
      let files = content["files"]?.array?.map(File.init), !files.contains(nil),
      let sums = content["contents"]?.array?.map(Self.named), !sums.contains(where: { $0 == nil })
    else { throw Problem(path, "the file is damaged") }
    self.key = key
    self.summary = summary
    self.files = files.compactMap { $0 }
    self.sums = Dictionary(sums.compactMap { $0 }) { $1 }
  }

  private static func named(_ json: JSON) -> (String, SHA256Sum)? {
    guard let name = json["name"]?.string, let size = json["size"]?.integer,
      let hex = json["sha256"]?.string
    else { return nil }
    return (name, SHA256Sum(size: size, hex: hex))
  }
}

extension RowCacheManifest.File {
  fileprivate init?(_ json: JSON) {
    guard let path = json["path"]?.string, let isLineFile = json["lines"]?.bool else { return nil }
    self.init(path: path, isLineFile: isLineFile)
  }
}
