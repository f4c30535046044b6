package import Formats

/// What became of a row that was not taken as it is: a line of `rows.jsonl`.
package struct RowVerdict: Equatable, Sendable, CustomStringConvertible {
  package enum Action: String, Sendable {
    case dropped
    /// Cut on the right to `max_length`.
    case truncated
    /// Taken, but something in it is not shown to the model.
    case changed
  }

  package let place: RowPlace
  package let action: Action
  package let reason: String

  package init(place: RowPlace, action: Action, reason: String) {
    self.place = place
    self.action = action
    self.reason = reason
  }

  package var description: String { "\(place): \(action.rawValue): \(reason)" }

  /// `index` counts from 0, as in the list of rows; `line` from 1, as editors do.
  package var json: JSON {
    [
      "file": .string(place.file), "index": .integer(place.index), "line": .integer(place.line),
      "action": .string(action.rawValue), "reason": .string(reason),
    ]
  }
}
