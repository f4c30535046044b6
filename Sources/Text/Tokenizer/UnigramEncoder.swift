/// A unigram language model (Kudo, 2018, arXiv:1804.10959): of all ways to write a word as tokens
/// the one with the largest sum of scores (log-probabilities), found by Viterbi's algorithm.
///
/// Sums are doubles from left to right and a better path must be strictly better, so that ties fall
/// as in Hugging Face's tokenizers. A character that is no token scores 10 below the worst token.
struct UnigramEncoder: Sendable {
  private static let unknownPenalty = 10.0

  private let vocabulary: Vocabulary
  private let trie: PieceTrie
  private let scores: [Double]
  private let unknown: Int32
  private let unknownScore: Double
  /// The tokens `<0x00>` to `<0xFF>`, which stand for unknown text; empty where they do not.
  private let byteIDs: [Int32]
  /// Whether unknown text is looked up as a whole once more, as Hugging Face's tokenizers do.
  private let looksUpUnknown: Bool

  /// - Parameters:
  ///   - scores: One a token of the vocabulary.
  ///   - matches: Whether a token takes part; nil: all do.
  init(
    vocabulary: Vocabulary, scores: [Double], unknown: Int32, usesBytes: Bool,
    lowestScore: Double? = nil, looksUpUnknown: Bool = true, matches: ((Int) -> Bool)? = nil
  ) {
    self.vocabulary = vocabulary
    self.scores = scores
    self.unknown = unknown
    self.looksUpUnknown = looksUpUnknown
    unknownScore = (lowestScore ?? scores.min() ?? 0) - Self.unknownPenalty
    trie = PieceTrie(
      (0..<vocabulary.size).compactMap { id in
        guard matches?(id) ?? true, let bytes = vocabulary.bytes(of: id) else { return nil }
        return (bytes, Int32(id))
      })
    let ids =
      usesBytes
      ? (0..<256).map { vocabulary.id(of: CharacterSpelling.spelling(ofByte: UInt8($0))) ?? -1 }
      : []
    byteIDs = ids
  }

  /// Appends the tokens of `bytes[word]` to `output`.
  func encode(
    _ word: Range<Int>, of bytes: UnsafeBufferPointer<UInt8>, _ scratch: EncodingScratch,
    into output: inout TokenOutput
  ) {
    let text = UnsafeBufferPointer(rebasing: bytes[word])
    let symbols = scratch.symbols
    output.start(at: word.lowerBound)
    guard text.count <= WordCache.longestWord else {
      return output.append(symbols, count: solve(text, scratch), at: word.lowerBound)
    }
    let key = WordCache.Key(text)
    let isKnown = scratch.words.forEachToken(of: key) { id, end in
      output.append(id, end: word.lowerBound + end)
    }
    if isKnown { return }
    let count = solve(text, scratch)
    if count <= WordCache.mostTokens {
      scratch.words.store(key, ids: symbols.ids, ends: symbols.ends, count: count)
    }
    output.append(symbols, count: count, at: word.lowerBound)
  }

  /// Leaves the tokens of `text` in the scratch's symbols and returns how many they are.
  private func solve(_ text: UnsafeBufferPointer<UInt8>, _ scratch: EncodingScratch) -> Int {
    let paths = scratch.paths
    paths.reset(text.count + 1)
    var start = 0
    while start < text.count {
      let score = paths.scores[start]
      let length = UTF8Text.length(ofScalarAt: start, in: text)
      var hasCharacter = false
      trie.forEachPiece(of: text, at: start) { id, end in
        paths.offer(scores[Int(id)] + score, id, from: start, to: end)
        if end - start == length { hasCharacter = true }
      }
      if !hasCharacter {
        paths.offer(unknownScore + score, unknown, from: start, to: start + length)
      }
      start += length
    }
    return collect(text, paths, scratch.symbols)
  }

  /// Walks the best path back from the end, joins unknown neighbours and spells them in bytes.
  private func collect(
    _ text: UnsafeBufferPointer<UInt8>, _ paths: BestPaths, _ symbols: SymbolBuffer
  ) -> Int {
    var pieces: [(id: Int32, start: Int, end: Int)] = []
    var end = text.count
    while end > 0 {
      let (id, start) = (paths.ids[end], Int(paths.starts[end]))
      if id == unknown, let last = pieces.last, last.id == unknown {
        pieces[pieces.count - 1].start = start
      } else {
        pieces.append((id, start, end))
      }
      end = start
    }
    symbols.reserve(text.count)
    var count = 0
    func append(_ id: Int32, _ end: Int) {
      (symbols.ids[count], symbols.ends[count]) = (id, Int32(end))
      count += 1
    }
    for (id, start, end) in pieces.reversed() {
      let bytes = UnsafeBufferPointer(rebasing: text[start..<end])
      if id != unknown {
        append(id, end)
      } else if looksUpUnknown, let id = vocabulary.id(ofBytes: bytes) {
        append(id, end)
      } else if !byteIDs.isEmpty, bytes.allSatisfy({ byteIDs[Int($0)] >= 0 }) {
        for (place, byte) in bytes.enumerated() { append(byteIDs[Int(byte)], start + place + 1) }
      } else {
        append(unknown, end)
      }
    }
    return count
  }
}

/// The best way to each place of a text that Viterbi's algorithm has found so far.
final class BestPaths {
  private(set) var scores: [Double] = []
  /// The last token on the best way to a place, and where it starts; -1 where no way is known.
  private(set) var ids: [Int32] = []
  private(set) var starts: [Int32] = []

  func reset(_ count: Int) {
    if scores.count < count {
      scores = [Double](repeating: 0, count: count.nextPowerOfTwo)
      ids = [Int32](repeating: -1, count: count.nextPowerOfTwo)
      starts = [Int32](repeating: -1, count: count.nextPowerOfTwo)
    } else {
      scores[0] = 0
    }
    for index in 0..<count { starts[index] = -1 }
  }

  @inline(__always)
  func offer(_ score: Double, _ id: Int32, from start: Int, to end: Int) {
    guard starts[end] < 0 || score > scores[end] else { return }
    scores[end] = score
    ids[end] = id
    starts[end] = Int32(start)
  }
}
