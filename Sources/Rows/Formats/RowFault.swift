/// What is wrong with one row: found, expected.
struct RowFault: Error {
  /// How `data check` and `data prepare` sort it.
  let kind: RowFindingKind
  let sentence: String

  init(_ kind: RowFindingKind, _ sentence: String) {
    self.kind = kind
    self.sentence = sentence
  }

  /// For what is of no kind of its own.
  init(_ sentence: String) { self.init(.refusedRow, sentence) }
}
