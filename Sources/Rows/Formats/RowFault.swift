/// What is wrong with one row: found, expected.
struct RowFault: Error {
  let sentence: String

  init(_ sentence: String) { self.sentence = sentence }
}
