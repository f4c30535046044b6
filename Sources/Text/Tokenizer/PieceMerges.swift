import Formats

/// The merges that a vocabulary implies where none are listed: two neighbours become one token if
/// their texts together are a token, those of the best rank first.
struct PieceMerges {
  typealias Merge = (left: Int32, right: Int32, joined: Int32)

  /// In order of rank.
  private(set) var merges: [Merge] = []
  private(set) var ranks: [Int] = []
  /// Characters that are no token but part of one, with ids above the vocabulary's.
  private(set) var provisional: [UInt32: Int32] = [:]

  private let vocabulary: Vocabulary
  private let ranksByID: [Int?]

  /// - Parameters:
  ///   - ranks: One a token of the vocabulary; nil for tokens that take no part.
  ///   - splitsCharacters: Whether tokens are made of bytes instead of characters.
  init(_ vocabulary: Vocabulary, ranks: [Int?], splitsCharacters: Bool) {
    self.vocabulary = vocabulary
    ranksByID = ranks
    var found: [(rank: Int, merge: Merge)] = []
    for (id, rank) in ranks.enumerated() {
      guard let rank, let piece = vocabulary.bytes(of: id), piece.count > 1 else { continue }
      for border in piece.indices.dropFirst()
      where splitsCharacters || piece[border] & 0xC0 != 0x80 {
        guard let left = symbol(piece[..<border], splitsCharacters),
          let right = symbol(piece[border...], splitsCharacters)
        else { continue }
        found.append((rank, (left, right, Int32(id))))
      }
    }
    found.sort {
      ($0.rank, $0.merge.joined, $0.merge.left, $0.merge.right)
        < ($1.rank, $1.merge.joined, $1.merge.left, $1.merge.right)
    }
    merges = found.map(\.merge)
    self.ranks = found.map(\.rank)
  }

  /// The token with these bytes, or a provisional id for a single character that is none.
  private mutating func symbol(_ bytes: ArraySlice<UInt8>, _ splitsCharacters: Bool) -> Int32? {
    let id = bytes.withUnsafeBufferPointer { vocabulary.id(ofBytes: $0) }
    if let id, ranksByID[Int(id)] != nil { return id }
    guard !splitsCharacters,
      case let scalar = bytes.withUnsafeBufferPointer({ text -> UInt32? in
        UTF8Text.length(ofScalarAt: 0, in: text) == text.count
          ? UTF8Text.scalar(at: 0, in: text).value : nil
      }), let scalar
    else { return nil }
    // A character by itself is a symbol even where its token takes no part in merges.
    if let id { return id }
    if let known = provisional[scalar] { return known }
    let new = Int32(vocabulary.size + provisional.count)
    provisional[scalar] = new
    return new
  }

  var table: MergeTable { MergeTable(merges, ranks: ranks) }

  /// Ranks of scores: the largest first, equal ones alike.
  static func ranks(ofScores scores: [Double], where takesPart: (Int) -> Bool) -> [Int?] {
    let ordered = scores.indices.filter(takesPart).sorted { scores[$0] > scores[$1] }
    var ranks = [Int?](repeating: nil, count: scores.count)
    var rank = -1
    var last: Double?
    for id in ordered {
      if scores[id] != last { rank += 1 }
      last = scores[id]
      ranks[id] = rank
    }
    return ranks
  }
}

/// A SentencePiece vocabulary whose pieces are joined by their scores, whatever file it comes from.
struct SentencePieceMerging {
  let merges: PieceMerges
  let encoder: BytePairEncoder

  /// - Parameters:
  ///   - scores: One a token.
  ///   - takesPart: Whether a token can be the result of a merge.
  init(
    _ vocabulary: Vocabulary, scores: [Double], unknown: Int32?, usesBytes: Bool,
    where takesPart: (Int) -> Bool
  ) {
    let ranks = PieceMerges.ranks(ofScores: scores, where: takesPart)
    merges = PieceMerges(vocabulary, ranks: ranks, splitsCharacters: false)
    let spelling = CharacterSpelling(
      vocabulary, unknown: unknown.map { .init(id: $0, isFused: true) }, usesBytes: usesBytes,
      provisional: merges.provisional)
    encoder = BytePairEncoder(
      vocabulary: vocabulary, merges: merges.table, wholeWords: .merged,
      spelling: .characters(spelling), borders: Self.borders(merges, vocabulary, spelling))
  }

  private static func borders(
    _ merges: PieceMerges, _ vocabulary: Vocabulary, _ spelling: CharacterSpelling
  ) -> MergeBorders? {
    guard spelling.isDivisible else { return nil }
    let characters = Dictionary(merges.provisional.map { ($1, $0) }) { $1 }
    func edge(_ id: Int32, isLast: Bool) -> UInt32 {
      if let character = characters[id] { return character }
      return (vocabulary.bytes(of: Int(id)) ?? []).withUnsafeBufferPointer { text in
        let start = isLast ? UTF8Text.start(ofScalarBefore: text.count, in: text) : 0
        return UTF8Text.scalar(at: start, in: text).value
      }
    }
    return MergeBorders(
      merges.merges.map { (edge($0.left, isLast: true), edge($0.right, isLast: false)) },
      knows: spelling.knows)
  }
}
