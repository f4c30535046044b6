import Formats
import Text

/// Everything that decides what is in a cache of rows, in words, and the name that follows from it.
struct RowCacheKey {
  let parts: JSON
  /// The files as they were when their sums were taken.
  private let files: [(path: String, identity: FileIdentity?)]

  /// The SHA-256 of all parts.
  var name: String { SHA256Digest(of: Array(parts.text().utf8)).hex }

  /// - Parameters:
  ///   - tokenizer: A sum of all that decides which tokens a text becomes.
  ///   - checksums: Of the files of rows.
  init(_ loading: RowLoading, tokenizer: String, checksums: FileChecksums) throws(Problem) {
    var files: [(path: String, identity: FileIdentity?)] = []
    var sources: [JSON] = []
    for source in loading.sources {
      var sums: [JSON] = []
      for path in try source.files() {
        files.append((path, FileIdentity(path)))
        sums.append(["path": .string(path), "sha256": .string(try checksums.sha256(of: path))])
      }
      sources.append(["read_as": .string(source.readingOptions), "files": .array(sums)])
    }
    self.files = files
    let template = loading.renderer.template
    let showsDate = template.source.contains("strftime_now")
    parts = [
      "row_code": .integer(RowCode.version),
      "sources": .array(sources),
      "tokenizer_sha256": .string(tokenizer),
      "template": [
        "name": .string(template.name),
        "sha256": .string(SHA256Digest(of: Array(template.source.utf8)).hex),
        "variables": template.variables.json,
        "date": showsDate ? .integer(template.date) : .null,
      ],
      "train_on": .string(loading.renderer.trainOn.rawValue),
      "train_end_of_turn": .bool(loading.renderer.trainsTurnEnds),
      "max_length": .integer(loading.maxLength),
      "overlong": .string(loading.overlong.rawValue),
    ]
  }

  /// - Throws: Where a file is no longer what its sum was taken of.
  func checkUnchanged() throws(Problem) {
    for (path, identity) in files where FileIdentity(path) != identity {
      throw Problem(
        path, "the file changed while it was read; start again once it is complete", kind: .run)
    }
  }
}
