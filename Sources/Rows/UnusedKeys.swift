/// Members of rows that nothing uses, counted by file.
struct UnusedKeys {
  private var files: [String] = []
  private var counts: [String: [(key: String, rows: Int)]] = [:]

  mutating func add(_ outcome: RowOutcome) {
    guard !outcome.unusedKeys.isEmpty else { return }
    let file = outcome.place.file
    if counts[file] == nil { files.append(file) }
    for key in outcome.unusedKeys {
      let index = counts[file]?.firstIndex { $0.key.utf8.elementsEqual(key.utf8) }
      if let index {
        counts[file]?[index].rows += 1
      } else if (counts[file]?.count ?? 0) < Self.most {
        counts[file, default: []].append((key, 1))
      }
    }
  }

  /// Keys that are counted of a file; one whose rows all have keys of their own names no more.
  private static let most = 20

  /// One for each file.
  var sentences: [String] {
    files.map { file in
      let keys = (counts[file] ?? []).map { key, rows in
        "\"\(key)\" (\(rows) \(rows == 1 ? "row" : "rows"))"
      }
      return "\(file): not used, as no part of the format: \(keys.joined(separator: ", ")); \"fields\" of the "
        + "source can say what they are"
    }
  }
}
