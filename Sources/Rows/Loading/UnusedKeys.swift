import Formats

/// Members of rows that nothing uses, counted by file.
package struct UnusedKeys: Equatable, Sendable {
  struct File: Equatable, Sendable {
    let name: String
    var keys: [Key] = []
  }

  struct Key: Equatable, Sendable {
    let name: String
    var rows: Int
  }

  var files: [File] = []

  /// Keys that are counted of a file; one whose rows all have keys of their own names no more.
  private static let most = 20

  mutating func add(_ keys: [String], of file: String) {
    guard !keys.isEmpty else { return }
    if files.last?.name != file { files.append(File(name: file)) }
    for key in keys {
      let counted = files[files.count - 1].keys
      if let index = counted.firstIndex(where: { $0.name.utf8.elementsEqual(key.utf8) }) {
        files[files.count - 1].keys[index].rows += 1
      } else if counted.count < Self.most {
        files[files.count - 1].keys.append(Key(name: key, rows: 1))
      }
    }
  }

  /// One for each file.
  package var sentences: [String] {
    files.map { file in
      let keys = file.keys.map { "\"\($0.name)\" (\($0.rows) \($0.rows == 1 ? "row" : "rows"))" }
      return
        "\(file.name): the format has no use for \(keys.joined(separator: ", ")), which the model does not see; "
        + "\"fields\" of the source can say what that is"
    }
  }

  var json: JSON {
    .array(
      files.map { file in
        [
          "file": .string(file.name),
          "keys": .array(file.keys.map { ["key": .string($0.name), "rows": .integer($0.rows)] }),
        ]
      })
  }

  init() {}

  /// Nil for anything but what `json` gives.
  init?(_ json: JSON) {
    guard let list = json.array else { return nil }
    for element in list {
      guard let name = element["file"]?.string, let keys = element["keys"]?.array else {
        return nil
      }
      var file = File(name: name)
      for key in keys {
        guard let name = key["key"]?.string, let rows = key["rows"]?.integer, rows > 0 else {
          return nil
        }
        file.keys.append(Key(name: name, rows: rows))
      }
      files.append(file)
    }
  }
}
