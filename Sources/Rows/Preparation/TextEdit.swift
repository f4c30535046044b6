import Formats

/// How a text of a row became another one, for the list of changes: the place that differs, with a few
/// characters around it.
struct TextEdit: Sendable, Equatable {
  /// Of the text, as "the user's text".
  let name: String
  let before: String
  let after: String

  /// Characters beside the change, and at most inside it.
  private static let margin = 20
  private static let longest = 160

  init(_ name: String, before: String, after: String) {
    let (old, new) = (Array(before.unicodeScalars), Array(after.unicodeScalars))
    let shorter = min(old.count, new.count)
    var start = 0
    while start < shorter, old[start] == new[start] { start += 1 }
    var end = 0
    while end < shorter - start, old[old.count - 1 - end] == new[new.count - 1 - end] { end += 1 }
    self.name = name
    self.before = Self.excerpt(old, from: start, toEnd: end)
    self.after = Self.excerpt(new, from: start, toEnd: end)
  }

  private static func excerpt(
    _ text: [Unicode.Scalar], from start: Int, toEnd end: Int
  ) -> String {
    let first = max(0, start - margin)
    let last = min(text.count, text.count - end + margin, first + longest)
    return (first > 0 ? "…" : "") + String(String.UnicodeScalarView(text[first..<last]))
      + (last < text.count ? "…" : "")
  }
}
