import Formats

/// The verdicts on the rows of a set: a list, or the lines of a file where there may be millions.
enum RowVerdictLog: Sendable {
  case memory([RowVerdict])
  case file(String)

  /// Those in memory.
  var list: [RowVerdict] { if case .memory(let verdicts) = self { verdicts } else { [] } }

  func write(to output: OutputFile) throws(Problem) {
    switch self {
    case .memory(let verdicts): try output.write(verdicts.map(\.line).joined())
    case .file(let path):
      let file = try MappedFile(path)
      let piece = 1 << 20
      for start in stride(from: 0, to: file.count, by: piece) {
        let range = start..<min(start + piece, file.count)
        try file.withBytes(range) { (bytes) throws(Problem) in try output.write(bytes) }
        file.forget(range)
      }
    }
  }
}

extension RowVerdict {
  /// As a line of `rows.jsonl`.
  var line: String { json.text() + "\n" }
}
