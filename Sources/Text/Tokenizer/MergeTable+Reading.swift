import Formats

extension MergeTable {
  /// - Parameters:
  ///   - pairs: Spelled as in the vocabulary, in order of rank.
  ///   - place: The file, for the error.
  /// - Throws: A `Problem` where a part or the whole of a merge is not in the vocabulary.
  convenience init(
    _ pairs: [(String, String)], _ vocabulary: Vocabulary, place: String
  ) throws(Problem) {
    var merges: [(left: Int32, right: Int32, joined: Int32)] = []
    merges.reserveCapacity(pairs.count)
    for (index, (left, right)) in pairs.enumerated() {
      func id(_ token: String) throws(Problem) -> Int32 {
        if let id = vocabulary.id(of: token) { return id }
        throw Problem(
          place,
          "merge \(index) (\"\(left)\" and \"\(right)\") needs token \"\(token)\", which is not in "
            + "the vocabulary; the file is damaged")
      }
      merges.append((try id(left), try id(right), try id(left + right)))
    }
    self.init(merges)
  }
}

extension String {
  /// The parts between single spaces. Compares bytes: to Swift a space with a combining mark behind
  /// it is one character and not a space.
  func splitAtSpaces() -> [String] {
    utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
      .map { String(Substring($0)) }
  }
}
