/// Removes characters that nobody sees. Those that break a line or a page become line breaks.
enum HiddenCharacterRepair {
  /// - Parameter kind: Control or invisible characters.
  static func repaired(_ text: String, _ kind: RowFindingKind) -> String? {
    let bytes = Array(text.utf8)
    guard HiddenCharacters.mayHoldSome(bytes) else { return nil }
    let scalars = Array(text.unicodeScalars)
    let places = HiddenCharacters.places(
      in: scalars, isMisread: Mojibake.first(in: bytes) != nil)
    var result = String.UnicodeScalarView()
    var done = 0
    for (index, found) in places where found == kind && index >= done {
      result.append(contentsOf: scalars[done..<index])
      switch scalars[index].value {
      case 0x0B, 0x0C, 0x85: result.append("\n")
      default: break
      }
      done = end(of: scalars, at: index)
    }
    guard done > 0 else { return nil }
    result.append(contentsOf: scalars[done...])
    return String(result)
  }

  /// Behind one character, or behind a command to a terminal such as "ESC [31m" (ECMA-48, 5.4).
  private static func end(of scalars: [Unicode.Scalar], at index: Int) -> Int {
    guard scalars[index].value == 0x1B, index + 1 < scalars.count, scalars[index + 1] == "[" else {
      return index + 1
    }
    var end = index + 2
    while end < scalars.count, (0x20...0x3F).contains(scalars[end].value) { end += 1 }
    let isWhole = end < scalars.count && (0x40...0x7E).contains(scalars[end].value)
    return isWhole ? end + 1 : index + 1
  }
}
