import Formats

/// What takes rows out of a text, one at a time.
protocol RowParser {
  /// The next row, or nil at the end.
  ///
  /// - Throws: Where the file cannot be read on.
  mutating func next(_ window: RowWindow) throws(Problem) -> ParsedRow?
}

/// A row, or what is wrong with it.
struct ParsedRow {
  /// Line of the file where it begins, from 1.
  let line: Int
  let row: Result<JSON, RowFault>
}

extension RowFault {
  /// A row that stands where it should and holds what cannot be taken.
  static func unreadable(_ sentence: String) -> RowFault {
    RowFault(.malformedRow, "\(RowFile.unreadableRow): \(sentence)")
  }

  /// What is wrong with a value of a row.
  init(_ fault: JSONValueFault) {
    let place = fault.path.isEmpty ? "the row" : "\"\(fault.path)\""
    switch fault.kind {
    case .notANumber(let word):
      self = .unreadable(
        "\(place) is \(word), which JSON does not have; write null or \"\" (pandas writes NaN for an empty cell)"
      )
    case .halfCharacter(let escape):
      self = .unreadable(
        "\(place) holds \(escape), half of a surrogate pair, which is no character; write the character in full"
          + " or remove it")
    case .roundedNumber(let digits):
      let shown = digits.count <= 40 ? digits : "\(digits.prefix(40))…"
      self = .unreadable(
        "\(place) is \(shown), which does not fit into 64 bits and would be rounded; write it in quotes"
      )
    }
  }
}
