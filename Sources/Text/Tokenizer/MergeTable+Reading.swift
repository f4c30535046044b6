import Formats

extension MergeTable {
  /// - Parameters:
  ///   - pairs: Spelled as in the vocabulary, in order of rank.
  ///   - prefixLength: Bytes that the right part of a merge leaves out where it is joined.
  ///   - place: The file, for the error.
  /// - Throws: A `Problem` where a part or the whole of a merge is not in the vocabulary.
  convenience init(
    _ pairs: [(String, String)], _ vocabulary: Vocabulary, prefixLength: Int = 0, place: String
  ) throws(Problem) {
    var merges: [(left: Int32, right: Int32, joined: Int32)] = []
    merges.reserveCapacity(pairs.count)
    var spelled: [UInt8] = []
    for (index, (left, right)) in pairs.enumerated() {
      func id(_ token: String) throws(Problem) -> Int32 {
        if let id = vocabulary.id(of: token) { return id }
        throw Problem(
          place,
          "merge \(index) (\"\(left)\" and \"\(right)\") needs token \"\(token)\", which is not in "
            + "the vocabulary; the file is damaged")
      }
      if prefixLength == 0, let ids = Self.ids(left, right, vocabulary, &spelled) {
        merges.append(ids)
      } else {
        let rest = String(decoding: right.utf8.dropFirst(prefixLength), as: UTF8.self)
        merges.append((try id(left), try id(right), try id(left + rest)))
      }
    }
    self.init(merges)
  }

  /// The tokens of a merge where all of them are found by their bytes, as nearly every one is; else
  /// nil. Looks them up in one piece of memory: a vocabulary has tens of thousands of merges.
  private static func ids(
    _ left: String, _ right: String, _ vocabulary: Vocabulary, _ spelled: inout [UInt8]
  ) -> (left: Int32, right: Int32, joined: Int32)? {
    spelled.removeAll(keepingCapacity: true)
    func append(_ part: String) -> Bool {
      if vocabulary.isByteLevel { return ByteAlphabet.append(part, to: &spelled) }
      spelled.append(contentsOf: part.utf8)
      return true
    }
    guard append(left), case let border = spelled.count, append(right) else { return nil }
    return spelled.withUnsafeBufferPointer { bytes in
      guard let left = vocabulary.id(ofBytes: UnsafeBufferPointer(rebasing: bytes[..<border])),
        let right = vocabulary.id(ofBytes: UnsafeBufferPointer(rebasing: bytes[border...])),
        let joined = vocabulary.id(ofBytes: bytes)
      else { return nil }
      return (left, right, joined)
    }
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
