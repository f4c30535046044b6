/// Byte-pair encoding (Sennrich et al., 2016, arXiv:1508.07909) of one word at a time: starts with
/// one token a byte and joins, again and again, the neighbours whose merge has the lowest rank (of
/// equals, the leftmost).
///
/// Short words are merged by scanning, which beats every clever structure at their size; long ones
/// with a heap, so that a megabyte without a space costs n log n, not n².
final class BytePairEncoder: Sendable {
  /// Words up to this many bytes are merged by scanning.
  static let scanLimit = 64

  let merges: MergeTable
  /// Whether a word that is itself a token becomes that token without merging (Llama 3).
  let ignoresMerges: Bool
  private let vocabulary: Vocabulary
  /// The token of each byte, or -1 where the vocabulary has none.
  private let byteIDs: [Int32]
  private let unknown: Unknown?

  /// What stands for bytes that the vocabulary lacks.
  struct Unknown: Sendable {
    let id: Int32
    /// Whether neighbouring unknown bytes become one token.
    let isFused: Bool
  }

  init(
    vocabulary: Vocabulary, merges: MergeTable, ignoresMerges: Bool, unknown: Unknown?
  ) {
    self.vocabulary = vocabulary
    self.merges = merges
    self.ignoresMerges = ignoresMerges
    self.unknown = unknown
    byteIDs = (0..<256).map { byte in
      [UInt8(byte)].withUnsafeBufferPointer { vocabulary.id(ofBytes: $0) } ?? -1
    }
  }

  /// Whether there are bytes that no token stands for alone.
  var lacksBytes: Bool { byteIDs.contains(-1) }

  /// Appends the tokens of `bytes[word]` to `output`.
  func encode(
    _ word: Range<Int>, of bytes: UnsafeBufferPointer<UInt8>, _ scratch: EncodingScratch,
    into output: inout TokenOutput
  ) {
    let text = UnsafeBufferPointer(rebasing: bytes[word])
    output.start(at: word.lowerBound)
    guard text.count <= WordCache.longestWord else {
      if ignoresMerges, let id = vocabulary.id(ofBytes: text) {
        return output.append(id, end: word.upperBound)
      }
      let count = merge(text, scratch.symbols)
      return output.append(scratch.symbols, count: count, at: word.lowerBound)
    }
    let key = WordCache.Key(text)
    let isKnown = scratch.words.forEachToken(of: key) { id, end in
      output.append(id, end: word.lowerBound + end)
    }
    if isKnown { return }
    let symbols = scratch.symbols
    var count = 1
    if ignoresMerges, let id = vocabulary.id(ofBytes: text) {
      symbols.reserve(1)
      (symbols.ids[0], symbols.ends[0]) = (id, Int32(text.count))
    } else {
      count = merge(text, symbols)
    }
    if count <= WordCache.mostTokens {
      scratch.words.store(key, ids: symbols.ids, ends: symbols.ends, count: count)
    }
    output.append(symbols, count: count, at: word.lowerBound)
  }

  /// Leaves the tokens of `word` in `symbols` and returns how many they are.
  private func merge(_ word: UnsafeBufferPointer<UInt8>, _ symbols: SymbolBuffer) -> Int {
    symbols.reserve(word.count)
    let count = spell(word, symbols)
    if count < 2 { return count }
    return word.count <= Self.scanLimit
      ? mergeByScanning(symbols, count: count) : mergeByHeap(symbols, count: count)
  }

  /// One symbol a byte. Bytes without a token become the unknown token or, where there is none
  /// either, vanish, as they do in Hugging Face's tokenizers.
  private func spell(_ word: UnsafeBufferPointer<UInt8>, _ symbols: SymbolBuffer) -> Int {
    var count = 0
    var followsUnknown = false
    byteIDs.withUnsafeBufferPointer { byteIDs in
      for index in 0..<word.count {
        let id = byteIDs[Int(word[index])]
        if id < 0, followsUnknown, let unknown, unknown.isFused {
          symbols.ends[count - 1] = Int32(index + 1)
          continue
        }
        followsUnknown = id < 0
        guard let symbol = id >= 0 ? id : unknown?.id else { continue }
        symbols.ids[count] = symbol
        symbols.ends[count] = Int32(index + 1)
        count += 1
      }
    }
    return count
  }

  private func mergeByScanning(_ symbols: SymbolBuffer, count: Int) -> Int {
    let (ids, ends, pairs) = (symbols.ids, symbols.ends, symbols.pairs)
    var count = count
    for index in 0..<count - 1 { pairs[index] = merges[ids[index], ids[index + 1]] }
    while count > 1 {
      var best = 0
      for index in 1..<count - 1 where pairs[index] < pairs[best] { best = index }
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
