import Formats

/// Finds rows that say nearly the same.
///
/// Of each row 52 bytes are kept. Words are kept as well as long as they take no more than `budget`; where
/// a pair's are not, its rows have to be read again.
struct NearDuplicates {
  /// Rows that may be alike, by their numbers; `first` < `second`.
  struct Pair: Hashable {
    let first: Int
    let second: Int
  }

  /// From this similarity on rows are nearly the same; their answers may differ a little more.
  static let threshold = 0.8
  static let thresholdOfAnswers = 0.5

  private var numbers = ChunkedList<UInt32>()
  /// `MinHash.bands` for each row.
  private var keys = ChunkedList<UInt32>()
  private var kept: KeptShingles

  /// - Parameter budget: Shingles that are kept, at 4 bytes each.
  init(budget: Int = 1 << 24) { kept = KeptShingles(budget: budget) }

  /// - Parameter number: Of the row; ascending from call to call.
  mutating func add(_ set: ShingleSet, number: Int) {
    numbers.append(UInt32(clamping: number))
    for key in MinHash.bandKeys(MinHash.signature(set.all)) { keys.append(key) }
    kept.add(set, number: number)
  }

  /// Pairs that share a band, in the order of their second row. Of many rows in one band each is paired with
  /// the first and with the one before it.
  ///
  /// - Parameter isRepeated: Whether a row is another one word for word, which is found otherwise.
  func candidates(except isRepeated: (Int) -> Bool) -> [Pair] {
    var pairs: Set<Pair> = []
    for band in 0..<MinHash.bands {
      var entries: [UInt64] = []
      entries.reserveCapacity(numbers.count)
      for place in numbers.indices where !isRepeated(Int(numbers[place])) {
        entries.append(UInt64(keys[place * MinHash.bands + band]) << 32 | UInt64(place))
      }
      entries.sort()
      var start = 0
      for index in entries.indices.dropFirst() {
        if entries[index] >> 32 != entries[start] >> 32 {
          start = index
          continue
        }
        for other in Set([start, index - 1]) {
          pairs.insert(Pair(first: number(entries[other]), second: number(entries[index])))
        }
      }
    }
    return pairs.sorted { ($0.second, $0.first) < ($1.second, $1.first) }
  }

  private func number(_ entry: UInt64) -> Int { Int(numbers[Int(entry & 0xFFFF_FFFF)]) }

  /// Rows whose words are read again in one go.
  private static let rowsOfAPass = 100_000

  /// Pairs of rows that are nearly the same, in the order of their second row.
  ///
  /// - Parameters:
  ///   - isRepeated: Whether a row does not count.
  ///   - shingles: Reads the words of some rows again.
  func alike(
    except isRepeated: (Int) -> Bool,
    _ shingles: (Set<Int>) throws(Problem) -> [Int: ShingleSet]
  ) throws(Problem) -> [(pair: Pair, similarity: Double)] {
    var found: [(pair: Pair, similarity: Double)] = []
    var rest: [Pair] = []
    func compare(_ pair: Pair, _ a: ShingleSet, _ b: ShingleSet) {
      if let similarity = Self.similarity(a, b) { found.append((pair, similarity)) }
    }
    for pair in candidates(except: isRepeated) {
      if let a = kept[pair.first], let b = kept[pair.second] {
        compare(pair, a, b)
      } else {
        rest.append(pair)
      }
    }
    while !rest.isEmpty {
      let batch = rest.prefix(Self.rowsOfAPass / 2)
      let words = try shingles(Set(batch.flatMap { [$0.first, $0.second] }))
      for pair in batch {
        if let a = words[pair.first], let b = words[pair.second] { compare(pair, a, b) }
      }
      rest.removeFirst(batch.count)
    }
    return found.sorted { ($0.pair.second, $0.pair.first) < ($1.pair.second, $1.pair.first) }
  }

  /// How alike two rows are where they are nearly the same; nil where they are not.
  private static func similarity(_ a: ShingleSet, _ b: ShingleSet) -> Double? {
    let found = a.resemblance(b)
    return found.all >= threshold && found.answers >= thresholdOfAnswers ? found.all : nil
  }
}
