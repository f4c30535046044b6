/// Byte-pair encoding (Sennrich et al., 2016, arXiv:1508.07909) of one word at a time: starts with
/// one token a byte or a character and joins, again and again, the neighbours whose merge has the
/// lowest rank (of equals, the leftmost).
///
/// Short words are merged by scanning, which beats every clever structure at their size; long ones
/// with a heap, so that a megabyte without a space costs n log n, not n².
final class BytePairEncoder: Sendable {
  /// Words up to this many symbols are merged by scanning.
  static let scanLimit = 64

  /// What a word consists of before anything is merged.
  enum Spelling: Sendable {
    case bytes(ByteSpelling)
    case characters(CharacterSpelling)
  }

  let merges: MergeTable
  let wholeWords: WholeWords
  private let vocabulary: Vocabulary
  private let spelling: Spelling
  /// Where long words may be cut without changing a token; nil where nowhere is known.
  private let borders: MergeBorders?

  /// What happens to a word that is itself a token.
  enum WholeWords: Sendable {
    /// It is merged like any other.
    case merged
    /// It becomes that token (Llama 3).
    case tokens
    /// It becomes that token if it consists of line feeds (Gemma 4).
    case tokensOfLineFeeds
  }

  /// What stands for text that the vocabulary lacks.
  struct Unknown: Sendable {
    let id: Int32
    /// Whether neighbouring unknown parts become one token.
    let isFused: Bool
  }

  init(
    vocabulary: Vocabulary, merges: MergeTable, wholeWords: WholeWords, spelling: Spelling,
    borders: MergeBorders? = nil
  ) {
    self.vocabulary = vocabulary
    self.merges = merges
    self.wholeWords = wholeWords
    self.spelling = spelling
    self.borders = borders
  }

  /// Appends the tokens of `bytes[word]` to `output`.
  func encode(
    _ word: Range<Int>, of bytes: UnsafeBufferPointer<UInt8>, _ scratch: EncodingScratch,
    into output: inout TokenOutput
  ) {
    guard word.count > WordCache.longestWord else {
      return encodePart(
        word, of: bytes, mayBeToken: mayBeToken(bytes[word]), scratch, into: &output)
    }
    if mayBeToken(bytes[word]),
      let id = vocabulary.id(ofBytes: UnsafeBufferPointer(rebasing: bytes[word]))
    {
      output.start(at: word.lowerBound)
      return output.append(id, end: word.upperBound)
    }
    guard let borders else {
      return encodePart(word, of: bytes, mayBeToken: false, scratch, into: &output)
    }
    borders.forEachPart(of: word, in: bytes) {
      encodePart($0, of: bytes, mayBeToken: false, scratch, into: &output)
    }
  }

  /// Cuts words so long that they are worth sharing out between threads into parts that have the
  /// same tokens; none where a whole word may be a token.
  func subdivide(_ words: [Range<Int>], of bytes: UnsafeBufferPointer<UInt8>) -> [Range<Int>] {
    guard let borders, wholeWords == .merged else { return words }
    var parts: [Range<Int>] = []
    parts.reserveCapacity(max(words.count, bytes.count / 5))
    for word in words { borders.forEachPart(of: word, in: bytes) { parts.append($0) } }
    return parts
  }

  private func mayBeToken(_ word: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
    switch wholeWords {
    case .merged: false
    case .tokens: true
    case .tokensOfLineFeeds: word.allSatisfy { $0 == 0x0A }
    }
  }

  /// - Parameter mayBeToken: Whether the part becomes the token it spells, if there is one.
  private func encodePart(
    _ part: Range<Int>, of bytes: UnsafeBufferPointer<UInt8>, mayBeToken: Bool,
    _ scratch: EncodingScratch, into output: inout TokenOutput
  ) {
    let text = UnsafeBufferPointer(rebasing: bytes[part])
    output.start(at: part.lowerBound)
    let symbols = scratch.symbols
    guard text.count <= WordCache.longestWord else {
      return output.append(symbols, count: merge(text, symbols), at: part.lowerBound)
    }
    let key = WordCache.Key(text)
    let isKnown = scratch.words.forEachToken(of: key) { id, end in
      output.append(id, end: part.lowerBound + end)
    }
    if isKnown { return }
    var count = 1
    if mayBeToken, let id = vocabulary.id(ofBytes: text) {
      symbols.reserve(1)
      (symbols.ids[0], symbols.ends[0]) = (id, Int32(text.count))
    } else {
      count = merge(text, symbols)
    }
    if count <= WordCache.mostTokens {
      scratch.words.store(key, ids: symbols.ids, ends: symbols.ends, count: count)
    }
    output.append(symbols, count: count, at: part.lowerBound)
  }

  /// Leaves the tokens of `word` in `symbols` and returns how many they are.
  private func merge(_ word: UnsafeBufferPointer<UInt8>, _ symbols: SymbolBuffer) -> Int {
    symbols.reserve(word.count)
    var count =
      switch spelling {
      case .bytes(let spelling): spelling.spell(word, symbols)
      case .characters(let spelling): spelling.spell(word, symbols)
      }
    if count > 1 {
      count =
        count <= Self.scanLimit
        ? mergeByScanning(symbols, count: count) : mergeByHeap(symbols, count: count)
    }
    if case .characters(let spelling) = spelling, spelling.hasProvisionalIDs {
      return spelling.replaceProvisional(symbols, count: count, in: word)
    }
    return count
  }

  private func mergeByScanning(_ symbols: SymbolBuffer, count: Int) -> Int {
    let (ids, ends, pairs) = (symbols.ids, symbols.ends, symbols.pairs)
    var count = count
    for index in 0..<count - 1 { pairs[index] = merges[ids[index], ids[index + 1]] }
    while count > 1 {
      var best = 0
      for index in 1..<count - 1 where pairs[index] >> 32 < pairs[best] >> 32 { best = index }
      // Ranks alone are compared: of equal ranks the leftmost comes first.
      let merge = pairs[best]
      if merge == MergeTable.none { break }
      ids[best] = Int32(truncatingIfNeeded: merge)
      ends[best] = ends[best + 1]
      count -= 1
      // The symbols behind move up by one; `pairs[i]` stays the merge of symbols i and i + 1.
      for index in best + 1..<max(count, best + 1) {
        ids[index] = ids[index + 1]
        ends[index] = ends[index + 1]
        pairs[index] = pairs[index + 1]
      }
      if best > 0 { pairs[best - 1] = merges[ids[best - 1], ids[best]] }
      if best + 1 < count { pairs[best] = merges[ids[best], ids[best + 1]] }
    }
    return count
  }

  private func mergeByHeap(_ symbols: SymbolBuffer, count: Int) -> Int {
    let (ids, ends, pairs) = (symbols.ids, symbols.ends, symbols.pairs)
    var heap = MinHeap()
    // Neighbours as a linked list: positions stay what they are while symbols disappear.
    var next = (0..<count).map { Int32($0 + 1) }
    var previous = (0..<count).map { Int32($0 - 1) }

    func consider(_ left: Int, _ right: Int) {
      pairs[left] = merges[ids[left], ids[right]]
      // Rank above position: of equal ranks the leftmost comes first.
      if pairs[left] != MergeTable.none { heap.push(pairs[left] & ~0xFFFF_FFFF | UInt64(left)) }
    }
    for index in 0..<count - 1 { consider(index, index + 1) }
    pairs[count - 1] = MergeTable.none

    while let top = heap.pop() {
      let left = Int(top & 0xFFFF_FFFF)
      // An entry is out of date when its symbol has merged with another one since.
      guard pairs[left] >> 32 == top >> 32 else { continue }
      let right = Int(next[left])
      ids[left] = Int32(truncatingIfNeeded: pairs[left])
      ends[left] = ends[right]
      pairs[left] = MergeTable.none
      pairs[right] = MergeTable.none
      next[left] = next[right]
      ids[right] = -1
      if next[left] < count {
        previous[Int(next[left])] = Int32(left)
        consider(left, Int(next[left]))
      }
      if previous[left] >= 0 { consider(Int(previous[left]), left) }
    }
    return symbols.compact(count)
  }
}
