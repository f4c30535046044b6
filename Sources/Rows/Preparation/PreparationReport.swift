package import Formats

/// What a preparation read, did and wrote.
package struct PreparationReport: Sendable {
  /// How often something became of rows with one kind of finding, or by one option.
  package struct Entry: Sendable {
    /// The kind of finding, or the option.
    package let name: String
    package fileprivate(set) var fixed = 0
    package fileprivate(set) var dropped = 0
    package fileprivate(set) var kept = 0
    package fileprivate(set) var augmented = 0
    package fileprivate(set) var copied = 0
  }

  /// A file that was read.
  package struct Input: Sendable {
    package let path: String
    package let part: RowPart
    package internal(set) var rows = 0
    /// nil for a pipe.
    package internal(set) var digest: SHA256Digest?
  }

  /// A file that was written.
  package struct Output: Sendable {
    package let name: String
    package let format: RowFormat
    package let rows: Int
    package let digest: SHA256Digest
  }

  /// How a report says what made it.
  static let author = "finetune data prepare"

  package internal(set) var inputs: [Input] = []
  package internal(set) var outputs: [Output] = []
  package internal(set) var rowsRead = 0
  package internal(set) var rowsDropped = 0
  /// Rows of which something was repaired.
  package internal(set) var rowsFixed = 0
  /// Rows that were written otherwise than they were read, on purpose.
  package internal(set) var rowsAugmented = 0
  package internal(set) var copies = 0
  /// Kinds of findings in their order, then options.
  package private(set) var entries: [Entry] = []
  /// What was asked for.
  let options: JSON

  init(options: JSON) { self.options = options }

  /// Lines of `changes.jsonl`.
  package var changes: Int {
    entries.reduce(0) { $0 + $1.fixed + $1.dropped + $1.augmented + $1.copied }
  }

  package var rowsWritten: Int { outputs.reduce(0) { $0 + $1.rows } }

  mutating func count(_ change: RowChange) {
    let index = index(of: change.kind)
    switch change.action {
    case .fixed: entries[index].fixed += 1
    case .dropped: entries[index].dropped += 1
    case .augmented: entries[index].augmented += 1
    case .copied: entries[index].copied += 1
    }
  }

  mutating func countKept(_ kind: RowFindingKind) { entries[index(of: kind.rawValue)].kept += 1 }

  private mutating func index(of name: String) -> Int {
    if let index = entries.firstIndex(where: { $0.name == name }) { return index }
    let index = entries.firstIndex { Self.order($0.name) > Self.order(name) } ?? entries.count
    entries.insert(Entry(name: name), at: index)
    return index
  }

  private static func order(_ name: String) -> (Int, String) {
    let kind = RowFindingKind(rawValue: name)
    return (kind.flatMap(RowFindingKind.allCases.firstIndex(of:)) ?? .max, name)
  }

  /// `report.json`: the same for every run with the same input, options and seed.
  package var json: JSON {
    [
      "made_by": .string(Self.author), "options": options,
      "rows": [
        "read": .integer(rowsRead), "written": .integer(rowsWritten),
        "dropped": .integer(rowsDropped), "fixed": .integer(rowsFixed),
        "augmented": .integer(rowsAugmented), "copies": .integer(copies),
      ],
      "kinds": .object(JSONObject(entries.map { ($0.name, $0.json) })),
      "inputs": .array(inputs.map(\.json)), "outputs": .array(outputs.map(\.json)),
    ]
  }
}

extension PreparationReport.Entry {
  /// Only what happened.
  fileprivate var json: JSON {
    let counts = [
      ("fixed", fixed), ("dropped", dropped), ("kept", kept), ("augmented", augmented),
      ("copied", copied),
    ]
    return .object(JSONObject(counts.filter { $0.1 > 0 }.map { ($0.0, .integer($0.1)) }))
  }
}

extension PreparationReport.Input {
  fileprivate var json: JSON {
    [
      "file": .string(path), "part": .string(part.rawValue), "rows": .integer(rows),
      "bytes": digest.map { .integer($0.byteCount) } ?? .null,
      "sha256": digest.map { .string($0.hex) } ?? .null,
    ]
  }
}

extension PreparationReport.Output {
  fileprivate var json: JSON {
    [
      "file": .string(name), "format": .string(format.rawValue), "rows": .integer(rows),
      "bytes": .integer(digest.byteCount), "sha256": .string(digest.hex),
    ]
  }
}
