/// The normalizer of SentencePiece: longest matches of a table, then the treatment of spaces.
struct SentencePieceNormalizer: Sendable {
  /// Written for a space.
  static let space = Array("\u{2581}".utf8)

  let map: CharacterMap?
  /// Whether a text begins with a space of its own (ends, with `marksEnds`).
  let addsSpace: Bool
  /// Whether spaces at the ends vanish and several become one.
  let removesExtraSpaces: Bool
  /// Whether words are marked behind instead of before.
  let marksEnds: Bool

  func apply(to text: UnsafeBufferPointer<UInt8>, _ result: inout AlignedText) {
    var body = AlignedText(isTracking: result.isTracking, capacity: text.count + 16)
    replaceSpaces(text, &body)
    if removesExtraSpaces { trimEnd(&body) }
    if body.bytes.isEmpty { return }
    let marks = addsSpace ? Self.space : []
    if !marksEnds { result.append(marks, from: 0..<0) }
    result.append(body)
    if marksEnds { result.append(marks, from: text.count..<text.count) }
  }

  private func replaceSpaces(_ text: UnsafeBufferPointer<UInt8>, _ body: inout AlignedText) {
    var index = 0
    var followsSpace = removesExtraSpaces
    while index < text.count {
      if let map, let match = map.match(in: text, index..<text.count, isLongest: true) {
        append(
          map.bytes(of: match.replacement), from: index..<match.end, &followsSpace, &body)
        index = match.end
      } else {
        let next = index + UTF8Text.length(ofScalarAt: index, in: text)
        append(text[index..<next], from: index..<next, &followsSpace, &body)
        index = next
      }
    }
  }

  /// - Parameter followsSpace: Whether spaces that come next vanish.
  @inline(__always)
  private func append(
    _ part: some BidirectionalCollection<UInt8>, from origin: Range<Int>,
    _ followsSpace: inout Bool, _ body: inout AlignedText
  ) {
    var vanishes = followsSpace
    for byte in part {
      if byte != UInt8(ascii: " ") {
        vanishes = false
        body.append(byte, from: origin)
      } else if !vanishes {
        body.append(Self.space, from: origin)
      }
    }
    if let last = part.last { followsSpace = removesExtraSpaces && last == UInt8(ascii: " ") }
  }

  private func trimEnd(_ body: inout AlignedText) {
    while body.bytes.suffix(Self.space.count).elementsEqual(Self.space) {
      body.removeLast(Self.space.count)
    }
  }
}
