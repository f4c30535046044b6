package import Formats

/// Sends every row to one of several parts, by what it says and a seed alone: other rows do not matter, and
/// rows that differ in case, white space or punctuation stay together.
package struct RowSplit: Sendable {
  package struct Part: Sendable {
    package let name: String
    package let share: Double
  }

  package let parts: [Part]

  /// - Parameter text: "train=0.9,validation=0.1": names of files and shares that add up to 1.
  package init(_ text: String) throws(Problem) {
    var parts: [Part] = []
    for piece in text.split(separator: ",", omittingEmptySubsequences: false) {
      let words = piece.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
      guard words.count == 2, let share = Double(words[1]), share > 0, share <= 1 else {
        throw Self.problem("found \"\(piece)\", expected NAME=SHARE with a share above 0, up to 1")
      }
      guard Self.isName(words[0]) else {
        throw Self.problem(
          "\"\(words[0])\" cannot name a file of rows; use letters, digits, \"-\" and \"_\"")
      }
      guard !parts.contains(where: { $0.name.lowercased() == words[0].lowercased() }) else {
        throw Self.problem("the part \"\(words[0])\" is named twice")
      }
      parts.append(Part(name: words[0], share: share))
    }
    let sum = parts.reduce(0) { $0 + $1.share }
    guard abs(sum - 1) < 1e-6 else {
      throw Self.problem("the shares add up to \((sum * 1e6).rounded() / 1e6), expected 1")
    }
    self.parts = parts
  }

  private static func problem(_ sentence: String) -> Problem { Problem("--split", sentence) }

  private static func isName(_ text: String) -> Bool {
    let reserved = ["changes", "report"]
    return (1...64).contains(text.utf8.count) && !reserved.contains(text.lowercased())
      && text.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
          || "-_".utf8.contains(byte)
      }
  }

  /// The part of a row.
  ///
  /// - Parameter content: `RowIdentity` of the row.
  func part(of content: UInt64, seed: UInt64) -> Int {
    var numbers = SeededNumbers(.split, seed: seed, content: content)
    var rest = numbers.fraction()
    for (index, part) in parts.enumerated() {
      rest -= part.share
      if rest < 0 { return index }
    }
    return parts.count - 1
  }

  var json: JSON {
    .object(JSONObject(parts.map { ($0.name, .number($0.share)) }))
  }
}
