/// Bytes of a text at which tokens shall begin, as the stages of a tokenizer see them: each stage works on
/// a text that the one before has rewritten, and knows where its bytes come from.
struct TokenCuts {
  /// In the text as it was given, in order.
  private let places: [Int]
  /// Where a byte of the current text begins in the text that was given.
  private let origin: (Range<Int>) -> Int

  /// Nil without places, so that texts without cuts cost nothing.
  init?(_ places: [Int]) {
    guard !places.isEmpty else { return nil }
    self.init(places: places) { $0.lowerBound }
  }

  private init(places: [Int], origin: @escaping (Range<Int>) -> Int) {
    self.places = places
    self.origin = origin
  }

  /// The same for a text that was made of the current one.
  ///
  /// - Parameter outer: Where bytes of the new text begin in the current one.
  func within(_ outer: @escaping (Range<Int>) -> Int) -> TokenCuts {
    TokenCuts(places: places) { range in
      let start = outer(range)
      return origin(start..<start + range.count)
    }
  }

  /// Words of the current text, divided where a cut lies inside of one.
  func divide(_ words: [Range<Int>]) -> [Range<Int>] {
    words.flatMap { word in
      var parts: [Range<Int>] = []
      var start = word.lowerBound
      for byte in word.dropFirst() where isCut(byte) {
        parts.append(start..<byte)
        start = byte
      }
      return parts + [start..<word.upperBound]
    }
  }

  /// Whether a cut lies before this byte: it comes from there, the byte before it does not.
  private func isCut(_ byte: Int) -> Bool {
    let place = origin(byte..<byte + 1)
    return places.contains(place) && origin(byte - 1..<byte) < place
  }
}
