package import Formats

/// What became of a row: a line of `changes.jsonl`.
package struct RowChange: Sendable {
  package enum Action: String, Sendable {
    case dropped, fixed
    /// The row as it is written differs from the one that was read on purpose.
    case augmented
    /// A further row was made from this one.
    case copied
  }

  package let place: RowPlace
  /// The kind of finding, or the option that asked for it.
  package let kind: String
  package let action: Action
  package let reason: String
  /// The row that this one is like, where there is one.
  package var other: RowPlace?
  /// Which of the row's copies it is about, from 1.
  var copy: Int?
  /// nil where no text changed, or where it was personal data.
  var edit: TextEdit?

  init(_ place: RowPlace, _ kind: String, _ action: Action, _ reason: String) {
    self.place = place
    self.kind = kind
    self.action = action
    self.reason = reason
  }

  init(_ finding: RowFinding, _ action: Action) {
    self.init(finding.place, finding.kind.rawValue, action, finding.sentence)
    other = finding.other
  }

  /// `index` counts from 0, as in the list of rows; `line` from 1, as editors do.
  package var json: JSON {
    var json: JSON = [
      "file": .string(place.file), "line": .integer(place.line), "index": .integer(place.index),
      "kind": .string(kind), "action": .string(action.rawValue), "reason": .string(reason),
    ]
    if let copy { json.set("copy", .integer(copy)) }
    if let other {
      json.set("other", ["file": .string(other.file), "line": .integer(other.line)])
    }
    if let edit {
      json.set("text", .string(edit.name))
      json.set("before", .string(edit.before))
      json.set("after", .string(edit.after))
    }
    return json
  }
}
