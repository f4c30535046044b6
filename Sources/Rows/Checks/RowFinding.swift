package import Formats

/// Something about a row that a person should look at before training.
package struct RowFinding: Equatable, Sendable, CustomStringConvertible {
  package enum Severity: String, CaseIterable, Sendable {
    /// The run would lose the row, stop, or learn or measure something that is plainly wrong.
    case damage
    /// Likely a mistake.
    case doubt
    /// Worth knowing.
    case note
  }

  package let kind: RowFindingKind
  package let severity: Severity
  /// With line 0: the file as a whole.
  package let place: RowPlace
  /// The row that this one is like, where there is one.
  package let other: RowPlace?
  /// What was found, without the place.
  package let sentence: String

  package init(
    _ kind: RowFindingKind, _ place: RowPlace, _ sentence: String, other: RowPlace? = nil,
    severity: Severity? = nil
  ) {
    self.kind = kind
    self.severity = severity ?? kind.severity
    self.place = place
    self.other = other
    self.sentence = sentence
  }

  package var description: String {
    place.line == 0 ? "\(place.file): \(sentence)" : "\(place): \(sentence)"
  }

  /// `index` counts from 0, as in the list of rows; `line` from 1, as editors do. Line 0 is the whole file.
  package var json: JSON {
    var json = Self.json(place)
    json.set("kind", .string(kind.rawValue))
    json.set("severity", .string(severity.rawValue))
    json.set("sentence", .string(sentence))
    if let other { json.set("other", Self.json(other)) }
    return json
  }

  private static func json(_ place: RowPlace) -> JSON {
    [
      "file": .string(place.file), "line": .integer(place.line), "index": .integer(place.index),
    ]
  }
}
