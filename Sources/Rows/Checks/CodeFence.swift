/// Answers with a code block that begins and does not end, as where an answer was cut off.
struct CodeFence: RowCheck {
  func findings(in row: CheckedRow) -> [RowFinding] {
    for text in row.texts where text.isAnswer {
      guard let line = Self.openFence(text.bytes) else { continue }
      return [
        row.finding(
          .openFence, "the code block of line \(line) of the assistant's text is not closed")
      ]
    }
    return []
  }

  /// The line, from 1, of a fence that is still open at the end (CommonMark, 4.5).
  private static func openFence(_ text: [UInt8]) -> Int? {
    var open: (mark: UInt8, count: Int, line: Int)?
    let lines = text.split(separator: 0x0A, omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      let content = line.drop { $0 == 0x20 || $0 == 0x09 }
      guard let mark = content.first, mark == UInt8(ascii: "`") || mark == UInt8(ascii: "~") else {
        continue
      }
      let count = content.prefix { $0 == mark }.count
      guard count >= 3 else { continue }
      let info = content.dropFirst(count)
      if let fence = open {
        let isBlank = info.allSatisfy { [0x20, 0x09, 0x0D].contains($0) }
        if mark == fence.mark, count >= fence.count, isBlank { open = nil }
      } else if mark == UInt8(ascii: "~") || !info.contains(mark) {
        // "```x```" in one line is a code span.
        open = (mark, count, index + 1)
      }
    }
    return open?.line
  }
}
